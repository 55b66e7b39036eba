// Chromium tells the server what it saw, where a site asks it to.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { patience } from './house.js';

const binary = process.env.ROUNDTRIP_BIN ?? fileURLToPath(new URL('../../bin/roundtrip', import.meta.url));

const declaration = `
name: reports
sites:
  reports.localhost:
    reports: true
    headers:
      set: { Content-Security-Policy: "default-src 'self'; report-to default" }
    routes:
      - { path: /, static: web }
      - { path: /dead, proxy: ['http://127.0.0.1:1'] }
`;

// serve runs the program, and resolves with where it listens and a promise of each log line that a test waits for.
async function serve(t, folder) {
  const child = spawn(binary, ['serve', '--https', '127.0.0.1:0', '--http', '127.0.0.1:0', folder], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  t.after(() => child.kill() && ended);
  const lines = [];
  const waiting = [];
  let rest = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop();
    for (const line of parts.map((part) => JSON.parse(part))) {
      lines.push(line);
      for (const one of waiting) if (one.want(line)) one.resolve(line);
    }
  });
  const line = (what, want) => new Promise((resolve, reject) => {
    const found = lines.find(want);
    if (found) return resolve(found);
    waiting.push({ want, resolve });
    setTimeout(() => reject(new Error(`no line of ${what} in\n${lines.map((l) => JSON.stringify(l)).join('\n')}`)), patience).unref();
  });
  const { https } = await line('readiness', ({ msg }) => msg === 'ready');
  return { port: https.split(':').pop(), line };
}

// keyOf is the key of the server's certificate, the only one that Chromium is told to trust: where it overlooks mistakes of
// certificates it takes no policy.
const keyOf = (port) => new Promise((resolve, reject) => {
  const socket = tls.connect({ port, host: '127.0.0.1', servername: 'reports.localhost', rejectUnauthorized: false }, () => {
    const key = new X509Certificate(socket.getPeerCertificate(true).raw).publicKey.export({ type: 'spki', format: 'der' });
    socket.destroy();
    resolve(createHash('sha256').update(key).digest('base64'));
  }).on('error', reject);
});

test('failed requests and forbidden scripts are reported, and become journeys', { timeout: 3 * patience }, async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'reports-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await mkdir(path.join(folder, 'web'));
  await writeFile(path.join(folder, 'roundtrip.yaml'), declaration);
  await writeFile(path.join(folder, 'web/index.html'), '<!doctype html><title>Reports</title><link rel="icon" href="data:,"><h1>Reports</h1><script>void 0</script>');
  const { port, line } = await serve(t, folder);
  const context = await chromium.launchPersistentContext(path.join(folder, 'profile'), {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--short-reporting-delay', `--ignore-certificate-errors-spki-list=${await keyOf(port)}`],
  });
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(`https://reports.localhost:${port}/`);
  assert.equal(await page.evaluate(() => fetch('/dead?token=secret').then((r) => r.status)), 502);
  const report = (reason, note) => line(reason, (l) => l.msg === 'report of a browser' && l.reason === reason && l.note.includes(note));
  const policy = await report('client.policy_violation', 'script-src-elem blocked inline');
  assert.equal(policy.path, '/');
  const dead = await report('client.error_answer', '');
  assert.deepEqual([dead.path, dead.status, dead.method, dead.type], ['/dead', 502, 'GET', 'http.error']);
  assert.match(dead.note, /^in the phase application, at 127\.0\.0\.1$/);
});
