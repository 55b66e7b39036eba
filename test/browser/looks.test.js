// Every page, on phone and desktop, light and dark: a picture of it, nothing that a screen reader or a strict policy would
// stumble over, and nothing that moves while it loads.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { call, openHouse, shoot } from './house.js';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
const built = fileURLToPath(new URL('../../examples/gallery/web/dist/index.html', import.meta.url));
const devices = {
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
  desktop: { viewport: { width: 1280, height: 900 } },
};

let house;
before(async () => (house = await openHouse()));
after(() => house.close());

// strict serves the page as a site with a strict policy would, and hears what that refuses and what moves.
async function strict(page) {
  await page.route('**/*', (route) => (route.request().resourceType() !== 'document'
    ? route.continue()
    : route.fulfill({ path: built, headers: { 'content-type': 'text/html', 'content-security-policy': "default-src 'self'; base-uri 'none'" } })));
  await page.addInitScript(() => {
    window.refused = [];
    addEventListener('securitypolicyviolation', (e) => window.refused.push(`${e.violatedDirective}: ${e.blockedURI}`));
    window.moved = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((e) => (window.moved += e.hadRecentInput ? 0 : e.value)))
      .observe({ type: 'layout-shift', buffered: true });
  });
}

// settled waits until a page has what it shows: nothing is busy, and every picture in sight has come and is drawn.
async function settled(page) {
  await page.waitForFunction(() => {
    const root = document.querySelector('main > div:not([hidden])');
    return root && !root.querySelector('[aria-busy=true]') && [...root.querySelectorAll('img')].every((i) => i.complete || i.getBoundingClientRect().top > innerHeight);
  });
  await page.evaluate(() => Promise.all([...document.images].filter((i) => i.complete).map((i) => i.decode())));
}

async function look(page, name, to) {
  await page.goto(to);
  await settled(page);
  await shoot(page, name);
  await page.evaluate(() => scrollTo(0, 600));
  await settled(page);
  const { moved, refused } = await page.evaluate(() => ({ moved: window.moved, refused: window.refused }));
  assert.ok(moved < 0.02, `${name}: the layout moved by ${moved}`);
  assert.deepEqual(refused, [], `${name}: refused by a strict policy`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), [], `${name}: axe`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.ok(!wide, `${name}: wider than the screen`);
}

for (const [device, size] of Object.entries(devices)) {
  for (const colorScheme of ['light', 'dark']) {
    test(`${device}, ${colorScheme}`, async () => {
      const as = `${colorScheme}-${device}`;
      const stranger = await house.person(null, { ...size, colorScheme });
      await strict(stranger);
      for (const [name, to] of [['welcome', '/'], ['sign-in', '/sign-in'], ['sign-up', '/sign-up'], ['nothing', '/no/such/page']]) await look(stranger, `${name}-${as}`, to);
      assert.deepEqual(stranger.failures, []);
      await stranger.context().close();

      const ana = await house.person('ana', { ...size, colorScheme });
      const { photos } = await call(ana, 'GET', 'photos?order_by=likes%20desc&page_size=1');
      await strict(ana);
      for (const [name, to] of [['home', '/'], ['discover', '/discover'], ['photo', `/photo/${photos[0].id}`], ['profile', '/people/ana/'], ['person', '/people/jonas/'], ['bell', '/bell'], ['share', '/share'], ['settings', '/settings']]) {
        await look(ana, `${name}-${as}`, to);
      }
      assert.deepEqual(ana.failures, []);
      await ana.context().close();
    });
  }
}

test('the narrowest phone', async () => {
  const ana = await house.person('ana', { viewport: { width: 360, height: 640 }, isMobile: true });
  await strict(ana);
  for (const to of ['/', '/people/ana/', '/bell', '/settings', '/share']) await look(ana, `narrow${to.replaceAll('/', '-')}`, to);
  await ana.context().close();
});
