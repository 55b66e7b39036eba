// The page API of the console, against the real server: the calls are read, found and copied.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { openHouse, password, shoot } from './house.js';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core'), 'utf8');

let house;
before(async () => {
  house = await openHouse();
  await (await house.operator()).context().close();
});
after(() => house.close());

const settled = (page) => page.waitForFunction(() => document.querySelector('main h1') && !document.querySelector('[aria-busy=true]'));

// look takes a picture, and finds nothing that a screen reader, a strict policy or a small screen would stumble over.
async function look(page, name) {
  await settled(page);
  await shoot(page, `console-api-${name}`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), [], `${name}: axe`);
  assert.ok(!(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)), `${name}: wider than the screen`);
  assert.deepEqual(page.failures, [], name);
}

for (const [name, options] of Object.entries({
  'dark-360': { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, colorScheme: 'dark' },
  'light-1280': { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  'dark-2560': { viewport: { width: 2560, height: 1440 }, colorScheme: 'dark' },
})) {
  test(`the calls, ${name}`, async () => {
    const page = await house.operator({ ...options, reducedMotion: 'reduce' });
    for (const [what, to] of [['all', '/calls'], ['create', '/calls/photos/create'], ['watch', '/calls/photos/watch']]) {
      await page.goto(to);
      await look(page, `${what}-${name}`);
    }
    await page.context().close();
  });
}

test('a call is found by its name and copied', async () => {
  const page = await house.operator({ permissions: ['clipboard-read', 'clipboard-write'] });
  await page.goto('/calls');
  await page.getByRole('searchbox', { name: 'Search calls' }).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('photos list');
  const found = page.getByRole('navigation', { name: 'Calls' }).getByRole('link');
  await page.waitForFunction(() => document.querySelectorAll('.calls-list a').length === 1);
  await found.click();
  await page.waitForURL('**/calls/photos/list');
  const written = page.getByRole('region', { name: 'How it is written' });
  const copied = {};
  for (const form of ['curl', 'JavaScript', 'grpcurl', 'Connect']) {
    await written.getByRole('button', { name: form, exact: true }).click();
    await written.getByRole('button', { name: `Copy as ${form}` }).click();
    copied[form] = await page.evaluate(() => navigator.clipboard.readText());
  }
  assert.match(copied.curl, /^curl 'https:\/\/gallery\.localhost:\d+\/api\/photos'/);
  assert.match(copied.JavaScript, /rt\.photos\.list\(/);
  assert.match(copied.grpcurl, /gallery\.localhost:\d+ gallery\.v1\.Photos\/List$/);
  assert.match(copied.Connect, /\/api\/gallery\.v1\.Photos\/List'/);
  assert.match(await page.getByRole('region', { name: 'Who may' }).innerText(), /roundtrip\.yaml:\d+:\d+/);
  await page.goto('/calls/photos/nothing');
  await page.getByText('There is no call photos nothing').waitFor();
  assert.deepEqual(page.failures, []);
  await page.context().close();
});

test('a call is tried as nobody and as an account, and its journey says why', async () => {
  const page = await house.operator();
  await page.goto('/calls/photos/list');
  const form = page.getByRole('region', { name: 'Try it' });
  const answer = form.getByRole('group', { name: 'The answer' });
  await form.getByLabel('page_size', { exact: true }).fill('2');
  await form.getByRole('button', { name: 'Send' }).click();
  await answer.getByText('200', { exact: true }).waitFor();
  await answer.getByRole('link', { name: 'its journey' }).waitFor();

  await page.goto('/calls/follows/create');
  await form.getByRole('button', { name: 'Send' }).click();
  await answer.getByText(/Fix:/).waitFor();
  await answer.getByRole('link', { name: /^(access|auth|policy|schema)\./ }).waitFor();
  await look(page, 'refused');

  await page.goto('/calls/auth/getMe');
  await form.getByRole('button', { name: 'As an account …' }).click();
  const door = page.getByRole('dialog');
  await door.getByRole('button', { name: 'With its password' }).click();
  await door.getByLabel('Account').fill('ana');
  await door.getByLabel('Password').fill(password);
  await door.getByRole('button', { name: 'Sign in' }).click();
  await form.getByRole('button', { name: 'As ana', pressed: true }).waitFor();
  await form.getByRole('button', { name: 'Connect' }).click();
  await form.getByRole('button', { name: 'Send' }).click();
  await answer.getByText('"handle": "ana"').waitFor();
  await page.context().close();
});
