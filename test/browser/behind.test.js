// The example of two Node processes behind the gate, in Chromium over HTTP/1.1 and over HTTP/2: the page, event streams, a
// WebSocket, an upload; and what a visitor sees when one of the two is killed, and when it is back.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { patience, shoot } from './house.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const example = path.join(root, 'examples/behind-node');
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core'), 'utf8');

const freePort = () => new Promise((resolve) => {
  const server = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

// run starts a program and waits until it has said a word.
function run(command, args, word, env = {}) {
  const child = spawn(command, args, { env: { ...process.env, ...env } });
  let log = '';
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const ready = new Promise((resolve, reject) => {
    const hear = (text) => (log += text).includes(word) && resolve();
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    ended.then(() => reject(new Error(`${command} ended:\n${log}`)));
  });
  const stop = async (signal = 'SIGTERM') => {
    child.kill(signal);
    await ended;
  };
  return { ready, stop, log: () => log };
}

// openHouse starts both processes, the gate and a browser.
async function openHouse(t, args) {
  const ports = { amber: await freePort(), teal: await freePort() };
  const processes = {};
  const start = async (NAME) => {
    processes[NAME] = run(process.execPath, [path.join(example, 'server.js')], 'listens on', { NAME, PORT: ports[NAME] });
    await processes[NAME].ready;
  };
  const folder = await mkdtemp(path.join(tmpdir(), 'behind-'));
  await cp(path.join(example, 'public'), path.join(folder, 'public'), { recursive: true });
  const yaml = await readFile(path.join(example, 'roundtrip.yaml'), 'utf8');
  // By default the less busy of two is asked: where both long connections of the page happen to be with one process,
  // the other answers everything.
  const turns = yaml.replace(/^( +)proxy: .*$/m, '$&\n$1balance: round-robin');
  await writeFile(path.join(folder, 'roundtrip.yaml'), turns.replace(':4101', `:${ports.amber}`).replace(':4102', `:${ports.teal}`));
  await Promise.all([start('amber'), start('teal')]);

  const https = await freePort();
  const binary = process.env.ROUNDTRIP_BIN ?? path.join(root, 'bin/roundtrip');
  const gate = run(binary, ['dev', folder, '--https', `127.0.0.1:${https}`, '--http', `127.0.0.1:${await freePort()}`], 'ready after');
  await gate.ready;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', ...args],
  });
  t.after(async () => {
    await browser.close();
    await gate.stop();
    for (const p of Object.values(processes)) await p.stop('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });
  return { url: `https://shop.localhost:${https}/`, browser, start, kill: (name) => processes[name].stop('SIGKILL'), gate };
}

for (const [protocol, args] of [['http/1.1', ['--disable-http2']], ['h2', []]]) {
  test(`two processes behind the gate, over ${protocol}`, async (t) => {
    const house = await openHouse(t, args);
    const context = await house.browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1100, height: 860 } });
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    const failures = [];
    page.on('pageerror', (error) => failures.push(String(error)));
    await page.goto(house.url);
    assert.equal(await page.evaluate(() => performance.getEntriesByType('navigation')[0].nextHopProtocol), protocol);

    // counts reads how many answers came from whom; until waits for them to fit.
    const counts = async () => Object.fromEntries((await page.locator('#counts').innerText()).split(', ').map((c) => [c.split(' ')[0], Number(c.split(' ')[1])]));
    const until = async (what, fits) => {
      for (const end = Date.now() + patience; ;) {
        const now = await counts();
        if (fits(now)) return now;
        assert.ok(Date.now() < end, `waited in vain for ${what}: ${JSON.stringify(now)}\n${house.gate.log()}`);
        await page.waitForTimeout(50);
      }
    };
    await until('answers of both', (c) => c.amber > 2 && c.teal > 2);

    await page.getByLabel('Say something').fill('hello behind there');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('hello behind there').waitFor();

    await page.setInputFiles('#file', { name: 'a.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(3_000_000, 'roundtrip') });
    await page.getByText('got 3,000,000 bytes, the same as were sent').waitFor();

    await page.addScriptTag({ content: axe });
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), []);
    if (protocol === 'h2') {
      await shoot(page, 'behind-node');
      await page.emulateMedia({ colorScheme: 'dark' });
      await page.setViewportSize({ width: 390, height: 844 });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page is wider than a phone');
      await shoot(page, 'behind-node-phone-dark', { fullPage: true });
    }

    // The process that tells the time is killed: the stream goes on with the other, after the event that came last.
    await page.waitForFunction(() => Number(document.querySelector('#event').textContent) >= 3);
    const teller = await page.locator('#teller').innerText();
    const other = teller === 'amber' ? 'teal' : 'amber';
    const before = await counts();
    await house.kill(teller);
    await page.waitForFunction((name) => document.querySelector('#teller').textContent === name, other);
    assert.ok(Number(await page.locator('#event').innerText()) >= 4, 'the stream began anew');
    const without = await until('answers of the other', (c) => c[other] > before[other] + 5);
    assert.equal(without.failed, 0, house.gate.log());

    await house.start(teller);
    const back = await until('answers of the one that is back', (c) => c[teller] > without[teller] + 3);
    assert.equal(back.failed, 0, house.gate.log());
    assert.match(house.gate.log(), /upstream (ejected|unwell)/);
    assert.match(house.gate.log(), /upstream well again/);
    assert.deepEqual(failures, []);
  });
}
