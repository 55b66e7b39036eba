// Who may use the console: an operator's own password, and as many tabs as somebody opens.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { openHouse, shoot } from './house.js';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
const first = 'four unrelated words';
const second = 'other unrelated words';

let house, owner;
before(async () => {
  house = await openHouse();
  owner = await house.operator();
});
after(() => house.close());

const settled = (page) => page.waitForFunction(() => document.querySelector('main h1') && !document.querySelector('[aria-busy=true]'));
const nobody = { cookies: [], origins: [] };

// join has the owner invite somebody, who comes in by the link.
async function join(name, options = {}) {
  const { link } = await owner.evaluate(async () => (await fetch('/api/operators/link', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"role":"operator"}' })).json());
  const page = await house.operator({ state: nobody, ...options });
  await page.goto(link);
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(first);
  await page.getByRole('button', { name: 'Come in' }).click();
  await settled(page);
  return page;
}

for (const [name, options] of Object.entries({
  'dark-360': { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, colorScheme: 'dark' },
  'light-1280': { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
})) {
  test(`an operator changes the password, ${name}`, async () => {
    const who = `mia-${name}`;
    const page = await join(who, { ...options, reducedMotion: 'reduce' });
    page.failures.length = 0; // nobody was signed in, and the link alone was not enough
    const elsewhere = await house.operator({ state: await page.context().storageState() });
    await elsewhere.goto('/path');
    await settled(elsewhere);
    if (options.isMobile) await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('button', { name: 'Change your password' }).filter({ visible: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Change your password' });
    await dialog.getByLabel('Current password').fill('not this one');
    await dialog.getByLabel('New password').fill(second);
    await page.keyboard.press('Enter');
    await dialog.getByText('this is not your password').waitFor();
    await shoot(page, `console-password-${name}`);
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run());
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), []);
    assert.ok(!(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)), 'wider than the screen');
    await dialog.getByLabel('Current password').fill(first);
    await dialog.getByRole('button', { name: 'Change it' }).click();
    await page.getByText('Your password is changed').waitFor();
    await page.goto('/path');
    await settled(page);
    // The same browser's cookie is the same session; another browser signs in with the new one alone.
    const other = await house.operator({ state: nobody });
    await other.goto('/');
    await other.getByLabel('Name').fill(who);
    await other.getByLabel('Password').fill(first);
    await other.getByRole('button', { name: 'Sign in' }).click();
    await other.getByText('the name or the password is wrong').waitFor();
    await other.getByLabel('Password').fill(second);
    await other.getByRole('button', { name: 'Sign in' }).click();
    await settled(other);
    for (const p of [page, elsewhere, other]) await p.context().close();
  });
}

// see says whether a tab is in sight, as the browser does for those behind others; Chromium without a window has all in sight.
const see = (tab, yes) => tab.evaluate((yes) => {
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => !yes });
  document.dispatchEvent(new Event('visibilitychange'));
}, yes);

test('a seventh tab works over plain HTTP, where a browser has six connections', async () => {
  const tabs = [];
  for (let n = 0; n < 7; n++) {
    const tab = await owner.context().newPage();
    const live = tab.waitForResponse((r) => r.url().includes('/api/journeys/live'));
    await tab.goto('/journeys');
    await live;
    await settled(tab);
    await see(tab, false); // the next one is opened over it
    tabs.push(tab);
  }
  // Who comes back to the first one sees what went on meanwhile.
  const visitor = await house.person(null);
  await visitor.evaluate(() => fetch('/api/nothing-of-the-kind'));
  await visitor.context().close();
  await see(tabs[0], true);
  await tabs[0].getByText('/api/nothing-of-the-kind').first().waitFor();
  for (const tab of tabs) await tab.close();
});
