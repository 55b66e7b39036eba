// Runs the application twice, and starts a process again that died, ten times at the most: what dies more often wants to be
// looked at. A process manager of yours (systemd, PM2, a container) does the same.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const server = fileURLToPath(new URL('server.js', import.meta.url));
const children = new Set();
let restarts = 10;
let stopping = false;

function start(NAME, PORT) {
  const child = spawn(process.execPath, [server], { env: { ...process.env, NAME, PORT }, stdio: 'inherit' });
  children.add(child);
  child.on('exit', (code, signal) => {
    children.delete(child);
    if (stopping) return;
    console.log(`${NAME} ended (${signal ?? `status ${code}`})`);
    if (restarts-- > 0) setTimeout(() => !stopping && start(NAME, PORT), 3000);
  });
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stopping = true;
    children.forEach((child) => child.kill('SIGTERM'));
  });
}
start('amber', process.env.AMBER_PORT ?? '4101');
start('teal', process.env.TEAL_PORT ?? '4102');
