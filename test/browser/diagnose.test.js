// The page that tells why a request fails in this very browser: what Chromium sees, joined with what the server saw.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { patience, shoot } from './house.js';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
const binary = process.env.ROUNDTRIP_BIN ?? fileURLToPath(new URL('../../bin/roundtrip', import.meta.url));
const home = '/.well-known/roundtrip/why';

const declaration = `name: shops
sites:
  app.localhost:
    tls: local
    headers:
      set: { Content-Security-Policy: "default-src 'none'" }
    routes:
      - { path: /, static: web }
  shop.localhost:
    tls: local
    routes:
      - { path: /orders/, static: web }
    cors: { origins: ['https://partner.test'] }
  open.localhost:
    tls: local
    routes:
      - { path: /orders/, static: web }
    cors: { origins: ['*'], methods: [GET, POST] }
`;

let folder, port, closed, browser, stop;

// freePort is one on which nothing listens.
const freePort = () => new Promise((resolve) => {
  const server = net.createServer().listen(0, '127.0.0.1', () => {
    const at = server.address().port;
    server.close(() => resolve(at));
  });
});

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'diagnose-'));
  await mkdir(path.join(folder, 'web'));
  await writeFile(path.join(folder, 'roundtrip.yaml'), declaration);
  await writeFile(path.join(folder, 'web/index.html'), '<!doctype html><title>Orders</title>');
  let plain;
  [port, plain, closed] = [await freePort(), await freePort(), await freePort()];
  const child = spawn(binary, ['dev', folder, '--https', `127.0.0.1:${port}`, '--http', `127.0.0.1:${plain}`]);
  const ended = new Promise((resolve) => child.on('exit', resolve));
  stop = () => child.kill() && ended;
  await new Promise((resolve, reject) => {
    let log = '';
    const hear = (text) => /ready after/.test(log += text) && resolve();
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    ended.then(() => reject(new Error(`the server ended:\n${log}`)));
  });
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
});

after(async () => {
  await browser?.close();
  await stop?.();
  await rm(folder, { recursive: true, force: true });
});

// ask opens the page with a filled form, tries, and resolves with the page and the answer that the server gave.
async function ask(t, url, { method = 'GET', headers = '', options = {} } = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 900 }, ...options });
  t.after(() => context.close());
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  await page.addInitScript(() => {
    window.refused = [];
    addEventListener('securitypolicyviolation', (e) => window.refused.push(`${e.violatedDirective}: ${e.blockedURI}`));
  });
  await page.goto(`https://app.localhost:${port}${home}?${new URLSearchParams({ url, method })}`);
  assert.equal(await page.getByLabel('URL').inputValue(), url);
  await page.getByLabel('Headers').fill(headers);
  const seen = page.waitForResponse((r) => r.url().endsWith(`${home}/seen`));
  await page.getByRole('button', { name: 'Try' }).click();
  const answer = await (await seen).json();
  await page.getByRole('heading', { level: 2 }).waitFor();
  assert.deepEqual(await page.evaluate(() => window.refused), [], 'refused by the policy');
  return { page, answer, verdict: await page.getByRole('heading', { level: 2 }).textContent() };
}

const step = (answer, title) => answer.steps.find((s) => s.title === title);

test('a request that works is known for certain: its answer names the record', async (t) => {
  const { answer, verdict } = await ask(t, `https://open.localhost:${port}/orders/`);
  assert.ok(answer.well, JSON.stringify(answer));
  assert.match(verdict, /^It works: 200 OK/);
  assert.equal(step(answer, 'request').side, 'both sides');
  assert.match(step(answer, 'cors').sentence, /may have the answer/);
  assert.equal(answer.journey.length, 32);
  assert.equal(answer.unknown, undefined);
});

test('a page that may not call: the rule, its line, and what to write there', async (t) => {
  const { page, answer, verdict } = await ask(t, `https://shop.localhost:${port}/orders/`);
  assert.equal(answer.reason, 'cors.origin_not_allowed', JSON.stringify(answer));
  assert.match(verdict, new RegExp(`pages of https://app.localhost:${port} may not call this site`));
  assert.match(answer.fix, /origins: \[https:\/\/partner\.test, https:\/\/app\.localhost/);
  assert.match(answer.unknown.join(), /likely/);
  assert.equal(step(answer, 'request').verdict, 'ok', 'something answers there, as the second try shows');
  assert.ok(await page.getByText('roundtrip.yaml:', { exact: false }).count());
});

test('a preflight that asks for too much', async (t) => {
  const url = `https://open.localhost:${port}/orders/`;
  const put = await ask(t, url, { method: 'PUT' });
  assert.equal(put.answer.reason, 'cors.method_not_allowed', JSON.stringify(put.answer));
  assert.match(put.verdict, /PUT is not among the allowed methods \(GET, POST\)/);
  assert.equal(put.answer.fix, 'methods: [GET, POST, PUT]');
  assert.equal(step(put.answer, 'request').verdict, 'not sent');
  const header = await ask(t, url, { headers: 'X-Shop: 7' });
  assert.equal(header.answer.reason, 'cors.header_not_allowed', JSON.stringify(header.answer));
  assert.match(header.verdict, /x-shop is not among the allowed/);
});

test('a path that no route has', async (t) => {
  const { answer, verdict } = await ask(t, `https://open.localhost:${port}/order/7`);
  assert.equal(answer.reason, 'route.no_path', JSON.stringify(answer));
  assert.match(verdict, /The nearest route is \/orders\//);
  assert.match(answer.where, /roundtrip\.yaml:\d+:\d+$/);
});

test('a port on which nobody listens', async (t) => {
  const { answer, verdict } = await ask(t, `https://shop.localhost:${closed}/orders/`);
  assert.equal(answer.reason, 'connection.no_listener', JSON.stringify(answer));
  assert.match(verdict, new RegExp(`nothing answers on port ${closed}; the server listens on 127\\.0\\.0\\.1:${port}`));
  assert.equal(answer.steps.filter((s) => s.verdict === 'ok' && s.evidence !== 'predicted').length, 0, 'no tick for what nobody saw');
});

test('a page of https that calls http', async (t) => {
  const { answer } = await ask(t, 'http://shop.test/orders/');
  assert.equal(answer.reason, 'client.mixed_content', JSON.stringify(answer));
  assert.equal(step(answer, 'request').verdict, 'not sent');
});

test('what is no request is said before anything is sent', async (t) => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(`https://app.localhost:${port}${home}?url=wss://shop.localhost/live`);
  await page.getByRole('button', { name: 'Try' }).click();
  await page.getByText('WebSockets are not tried here').waitFor();
});

for (const [name, options] of Object.entries({
  'diagnose-phone-dark': { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, colorScheme: 'dark' },
  'diagnose-desktop': {},
})) {
  test(`${name}: readable by everybody`, async (t) => {
    const { page } = await ask(t, `https://shop.localhost:${port}/orders/`, { options });
    await shoot(page, name, { fullPage: true });
    const { violations } = await page.context().newCDPSession(page).then(async (session) => {
      await session.send('Page.setBypassCSP', { enabled: true });
      return page.evaluate(`${axe}; window.axe.run()`);
    });
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), []);
    assert.ok(!await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), 'wider than the screen');
  });
}
