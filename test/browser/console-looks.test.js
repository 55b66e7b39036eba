// The operator's page, looked at: each page on a phone, a desk and a wall, in light and dark. Pictures are kept in
// test/artefacts; what is wider than the screen, what a screen reader stumbles over, and what the console's policy refuses fails.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import https from 'node:https';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { openHouse, shoot } from './house.js';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
const sizes = {
  360: { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
  1280: { viewport: { width: 1280, height: 900 } },
  2560: { viewport: { width: 2560, height: 1440 } },
};
const examined = '1280'; // the size at which axe looks: what it finds does not depend on it

let house, owner, refused, passed;
before(async () => {
  house = await openHouse();
  owner = await house.operator();
  const visitor = await house.person(null);
  const visit = (path) => visitor.evaluate(async (p) => { await fetch(p); }, path);
  for (const path of ['/', '/api/photos', '/api/nothing', '/wp-login.php', '/api/photos?filter=nope']) await visit(path);
  await preflight('https://shop.example');
  refused = await journey('/api/journeys?reason=cors.origin_not_allowed');
  passed = await journey('/api/journeys?kinds=request&path=/api/photos&status=200');
});
after(() => house.close());

// journey waits for the newest one of a filter.
const journey = (path) => owner.waitForFunction(async (p) => (await (await fetch(p)).json()).journeys[0], path).then((found) => found.jsonValue());

// preflight asks as a browser would for a page of that origin, which Chromium itself would not do from a page of the tests.
const preflight = (origin) => new Promise((resolve, reject) => {
  https.request({
    host: '127.0.0.1', port: house.server.port, servername: 'gallery.localhost', rejectUnauthorized: false, method: 'OPTIONS', path: '/api/photos',
    headers: { Host: `gallery.localhost:${house.server.port}`, Origin: origin, 'Access-Control-Request-Method': 'POST' },
  }, (answer) => answer.resume().on('end', resolve)).on('error', reject).end();
});

// settled waits until a page has what it shows.
const settled = (page) => page.waitForFunction(() => document.querySelector('main h1') && !document.querySelector('main [aria-busy=true]'));

const onMap = async (page) => {
  await page.getByRole('button', { name: 'Map' }).click();
  const on = page.getByRole('button', { name: 'A step on' });
  while (await on.isEnabled()) await on.click();
};

// look takes a page's pictures, in light and dark, and examines it.
async function look(page, width, name, to, act = settled) {
  await page.goto(to);
  await settled(page);
  await act(page);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await shoot(page, `console-${name}-${colorScheme}-${width}`);
    if (width !== examined) continue;
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run());
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), [], `${name}, ${colorScheme}: axe`);
  }
  assert.ok(!(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)), `${name}: wider than ${width}`);
  assert.deepEqual(page.failures, [], name);
}

for (const [width, size] of Object.entries(sizes)) {
  test(`each page, ${width} wide, in light and dark`, async () => {
    const page = await house.operator({ ...size, reducedMotion: 'reduce' });
    const pages = {
      overview: '/', journeys: '/journeys', journey: `/journeys/${refused.id}`, passed: `/journeys/${passed.id}`, diff: `/journeys/${passed.id}/diff/${refused.id}`,
      path: '/path', why: '/why', generations: '/generations', reasons: '/reasons', reason: '/reasons/cors.origin_not_allowed', operators: '/operators', audit: '/audit', nothing: '/no/such/page',
    };
    for (const [name, to] of Object.entries(pages)) await look(page, width, name, to);
    await look(page, width, 'map', `/journeys/${refused.id}`, onMap);
    await page.context().close();

    const stranger = await house.operator({ ...size, state: { cookies: [], origins: [] } });
    await stranger.goto('/');
    await stranger.getByRole('heading', { name: 'Sign in' }).waitFor();
    await shoot(stranger, `console-door-${width}`);
    await stranger.context().close();
  });
}

test('a refusal says who stopped it, what to do, and where', async () => {
  const page = await house.operator();
  await page.goto(`/journeys/${refused.id}`);
  const said = page.getByRole('note');
  await said.getByText('Stopped at CORS').waitFor();
  assert.match(await said.innerText(), /Fix: Add the origin to cors\.origins/);
  assert.match(refused.where, /roundtrip\.yaml:\d+:\d+$/);
  await said.getByRole('button', { name: refused.where.split('/').at(-1) }).waitFor();
  await page.getByText('not reached').first().waitFor();
  await said.getByRole('link', { name: 'cors.origin_not_allowed' }).click();
  await page.waitForURL('**/reasons/cors.origin_not_allowed');
  await page.reload(); // a path with a dot is a page, too
  await page.getByText('Pages of this origin may not call the site').waitFor();
  assert.deepEqual(page.failures, []);
  await page.context().close();
});
