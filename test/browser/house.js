// What every test needs: the real program on a copy of the gallery, a wire to it that can be cut, and Chromium.
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('../../', import.meta.url));
const artefacts = path.join(root, 'test/artefacts');
export const patience = Number(process.env.PATIENCE ?? 60_000); // bounds every wait; only reached by a defect
export const password = 'roundtrip-demo'; // of the demo's people

const freePort = () => new Promise((resolve) => {
  const server = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

// startServer runs `roundtrip dev` with the demo's people and pictures; restart starts it anew on the same data and port.
async function startServer(folder) {
  const [https, http, dns] = [await freePort(), await freePort(), await freePort()]; // on many desktops, mDNS has dev's port for names
  const binary = process.env.ROUNDTRIP_BIN ?? path.join(root, 'bin/roundtrip');
  let child, ended;
  let log = '';
  const start = () => new Promise((resolve, reject) => {
    child = spawn(binary, ['dev', folder, '--https', `127.0.0.1:${https}`, '--http', `127.0.0.1:${http}`, '--dns', `127.0.0.1:${dns}`]);
    const hear = (text) => {
      log += text;
      if (/ready after/.test(text)) resolve();
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    ended = new Promise((done) => child.on('exit', done));
    ended.then(() => reject(new Error(`the server ended:\n${log}`)));
  });
  const stop = async (signal = 'SIGTERM') => {
    child.kill(signal);
    await ended;
  };
  await start();
  const consoleURL = () => /console +(http\S+)#claim=/.exec(log)?.[1];
  return { port: https, start, stop, log: () => log, console: consoleURL, claim: () => /#(claim=[\w-]+)/.exec(log)?.[1] };
}

// startWire passes bytes on to a port, until it is cut; cut, it refuses connections as an unplugged machine would.
async function startWire(to) {
  const sockets = new Set();
  let server;
  const accept = (near) => {
    const far = net.connect(to, '127.0.0.1');
    for (const [a, b] of [[near, far], [far, near]]) {
      sockets.add(a);
      a.on('error', () => {}).on('close', () => {
        sockets.delete(a);
        b.destroy();
      });
      a.pipe(b);
    }
  };
  const listen = (port) => new Promise((resolve, reject) => {
    server = net.createServer(accept).on('error', reject).listen(port, '127.0.0.1', resolve);
  });
  await listen(0);
  const { port } = server.address();
  const cut = async () => {
    const closed = new Promise((resolve) => server.close(resolve)); // closed already is fine
    sockets.forEach((socket) => socket.destroy());
    await closed;
  };
  return { port, cut, mend: () => listen(port) };
}

// openHouse starts it all. person opens a page of a browser profile of its own, signed in if a handle is given; with a wire,
// all of its traffic goes through that. prepare may change the folder before the program reads it.
export async function openHouse({ prepare } = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'gallery-'));
  const from = path.join(root, 'examples/gallery');
  for (const part of ['roundtrip.yaml', 'demo.yaml', 'web/dist']) await cp(path.join(from, part), path.join(folder, part), { recursive: true });
  await prepare?.(folder);
  const server = await startServer(folder);
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  const wires = [];

  async function person(handle, { wire, ...options } = {}) {
    const baseURL = `https://gallery.localhost:${(wire ?? server).port}`;
    const context = await browser.newContext({ ignoreHTTPSErrors: true, baseURL, viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    page.failures = []; // what scripts did not catch
    page.on('pageerror', (error) => page.failures.push(String(error)));
    await page.goto('/favicon.svg'); // a page of the site without the app
    if (handle) await call(page, 'POST', 'auth/sign-in', { handle, password });
    return page;
  }
  // operator opens a page of the console, signed in as the owner that dev's link makes; errors of the page and what a policy
  // refused are kept in page.failures.
  let signedIn;
  async function operator({ state = signedIn, ...options } = {}) {
    const baseURL = server.console();
    const context = await browser.newContext({ baseURL, viewport: { width: 1280, height: 900 }, ...(state ? { storageState: state } : {}), ...options });
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    page.failures = [];
    page.on('pageerror', (error) => page.failures.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && page.failures.push(`${message.text()} ${message.location().url}`));
    if (!state) {
      await page.goto(`/#${server.claim()}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      signedIn = await context.storageState();
      page.failures.length = 0; // the browser writes down that nobody was signed in
    }
    return page;
  }
  async function wire() {
    wires.push(await startWire(server.port));
    return wires.at(-1);
  }
  async function close() {
    await browser.close();
    for (const w of wires) await w.cut();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
  return { server, folder, person, operator, wire, close };
}

// call asks the API as the person whose page it is.
export async function call(page, method, to, data) {
  const { status, text } = await page.evaluate(async ({ method, to, data }) => {
    const body = data && JSON.stringify(data);
    const answer = await fetch(`/api/${to}`, { method, body, headers: body ? { 'Content-Type': 'application/json' } : {} });
    return { status: answer.status, text: await answer.text() };
  }, { method, to, data });
  if (status >= 400) throw new Error(`${method} ${to}: ${status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

// shoot keeps a picture of a page in test/artefacts.
export async function shoot(page, name, options = {}) {
  await mkdir(artefacts, { recursive: true });
  await page.screenshot({ path: path.join(artefacts, `${name}.png`), animations: 'disabled', ...options });
}
