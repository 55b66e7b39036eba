// Data and People in the operator's page, against the real server: what is seen, what is changed, what is refused.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { openHouse, shoot } from './house.js';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
const sizes = {
  360: { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
  1280: { viewport: { width: 1280, height: 900 } },
};

let house, owner, photo, ana;
before(async () => {
  house = await openHouse();
  owner = await house.operator();
  [photo] = (await ask('GET', '/api/data/photos?page_size=1&order_by=id%20desc')).photos;
  [{ id: ana }] = (await ask('GET', '/api/people/?q=ana')).people;
});
after(() => house.close());

// ask calls the console's API as the owner, beside the page.
const ask = (method, path, body) => owner.evaluate(async ([m, p, b]) => {
  const answer = await fetch(p, { method: m, headers: b ? { 'Content-Type': 'application/json' } : {}, body: b && JSON.stringify(b) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${m} ${p}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}, [method, path, body]);

const settled = (page) => page.waitForFunction(() => document.querySelector('main h1') && !document.querySelector('[aria-busy=true]')
  && [...document.images].every((i) => i.complete || i.getClientRects().length === 0 || i.getBoundingClientRect().top > innerHeight));

// look takes a picture, and finds nothing that a screen reader, a strict policy or a small screen would stumble over.
async function look(page, name, to, act) {
  await page.goto(to);
  await settled(page);
  await act?.(page);
  await settled(page);
  await shoot(page, `console-${name}`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), [], `${name}: axe`);
  assert.ok(!(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)), `${name}: wider than the screen`);
  assert.deepEqual(page.failures, [], name);
}

// Each size in one theme: console-looks.test.js has both themes at each.
const themes = { 360: ['dark'], 1280: ['light'] };

for (const [width, size] of Object.entries(sizes)) {
  for (const colorScheme of themes[width]) {
    test(`Data and People, ${width} wide, ${colorScheme}`, async () => {
      const page = await house.operator({ ...size, colorScheme, reducedMotion: 'reduce' });
      const end = `${colorScheme}-${width}`;
      await look(page, `data-${end}`, '/data/photos');
      await look(page, `data-users-${end}`, '/data');
      await look(page, `data-schema-${end}`, '/data/photos/schema');
      await look(page, `data-record-${end}`, `/data/photos/${photo.id}`, () => page.getByRole('dialog').waitFor());
      await look(page, `data-new-${end}`, '/data/photos/new', () => page.getByRole('dialog').waitFor());
      await look(page, `data-none-${end}`, `/data/photos?filter=${encodeURIComponent('likes > 1000')}`, () => page.getByText('No record fits the filter').waitFor());
      await look(page, `data-suggest-${end}`, '/data/photos', async () => {
        await page.getByRole('combobox').fill('author.');
        await page.getByRole('option', { name: 'handle' }).waitFor();
      });
      await look(page, `people-${end}`, '/people');
      await look(page, `people-one-${end}`, `/people/${ana}`, () => page.getByRole('heading', { name: 'Devices' }).waitFor());
      await look(page, `people-new-${end}`, '/people/new', () => page.getByLabel('handle').waitFor());
      await page.context().close();
    });
  }
}

test('a filter is written with help, and its mistake stands at its column', async () => {
  const page = await house.operator();
  await page.goto('/data/photos');
  await settled(page);
  await page.keyboard.press('/');
  await page.keyboard.type('lik');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  assert.equal(await page.getByRole('combobox').inputValue(), 'likes');
  await page.keyboard.type(' >= 2');
  await page.keyboard.press('Enter');
  await page.waitForURL('**?filter=likes*');
  await settled(page);
  const many = (await ask('GET', `/api/data/photos?count=exact&filter=${encodeURIComponent('likes >= 2')}`)).total_size;
  assert.equal(await page.getByRole('row').count(), many + 1);
  page.failures.length = 0;
  await page.getByRole('combobox').fill('caption.contains("a") && lkes > 1');
  await page.keyboard.press('Enter');
  const wrong = page.getByRole('alert');
  await wrong.getByText('Column 26').waitFor();
  assert.match(await wrong.innerText(), /did you mean "likes"/);
  await shoot(page, 'console-data-wrong');
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.waitForURL('**/data/photos');
  await page.context().close();
});

test('pages and orders: newest first, by a column, and back', async () => {
  const page = await house.operator();
  const first = () => page.locator('tbody tr').first().innerText();
  await page.goto('/data/likes');
  await settled(page);
  const one = await first();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.waitForURL('**page=*');
  await settled(page);
  assert.notEqual(await first(), one);
  await page.getByRole('button', { name: 'Previous' }).click();
  await page.waitForFunction((was) => document.querySelector('tbody tr')?.innerText === was, one);
  await page.goto('/data/photos');
  await settled(page);
  await page.getByRole('columnheader', { name: 'caption' }).getByRole('button').click();
  await page.getByText('No index starts with caption').waitFor();
  await page.waitForURL('**order=caption');
  await page.getByRole('columnheader', { name: 'caption' }).getByRole('button').click();
  await page.waitForURL('**order=caption+desc');
  assert.equal(await page.getByRole('columnheader', { name: 'caption' }).getAttribute('aria-sort'), 'descending');
  await page.context().close();
});

test('only what was changed is written; a conflict shows both values', async () => {
  const page = await house.operator();
  await page.goto(`/data/photos/${photo.id}`);
  const drawer = page.getByRole('dialog');
  await drawer.getByLabel('caption').fill('as the operator says');
  const sent = page.waitForRequest((r) => r.method() === 'PATCH');
  await drawer.getByRole('button', { name: 'Save 1 change' }).click();
  assert.deepEqual((await sent).postDataJSON(), { caption: 'as the operator says' });
  await page.getByText('Saved 1 field').waitFor();
  await drawer.getByRole('button', { name: 'Nothing changed' }).waitFor();
  await drawer.getByText('version 2').waitFor();

  await ask('PATCH', `/api/data/photos/${photo.id}`, { caption: 'as somebody else says', private: true });
  await drawer.getByLabel('caption').fill('mine again');
  await drawer.getByRole('button', { name: 'Save 1 change' }).click();
  const conflict = drawer.getByRole('alert');
  await conflict.getByText('as somebody else says').waitFor();
  await conflict.getByText('mine again').waitFor();
  await shoot(page, 'console-data-conflict');
  await page.evaluate(axe);
  assert.deepEqual((await page.evaluate(() => window.axe.run())).violations.map((v) => v.id), []);
  await conflict.getByRole('button', { name: 'Write mine over it' }).click();
  await drawer.getByText('version 4').waitFor();
  const now = await ask('GET', `/api/data/photos/${photo.id}`);
  assert.equal(now.caption, 'mine again');
  assert.equal(now.private, true, 'what the other one wrote stays');
  await page.keyboard.press('Escape');
  await page.waitForURL('**/data/photos');
  await page.context().close();
});

test('what is wrong stands at its field, and nothing is lost', async () => {
  const page = await house.operator();
  await page.goto(`/data/users/${ana}`);
  const drawer = page.getByRole('dialog');
  await drawer.getByLabel('handle').fill('NOT GOOD');
  await drawer.getByRole('button', { name: 'Save 1 change' }).click();
  await drawer.getByText("handle can't be").waitFor();
  assert.equal(await drawer.getByLabel('handle').inputValue(), 'NOT GOOD');
  await drawer.getByRole('button', { name: 'Undo all' }).click();
  assert.equal(await drawer.getByLabel('handle').inputValue(), 'ana');
  await page.context().close();
});

test('a record is made and deleted by keyboard, with its file', async () => {
  const page = await house.operator();
  await page.goto('/data/photos');
  await settled(page);
  await page.keyboard.press('n');
  const drawer = page.getByRole('dialog');
  await drawer.getByLabel('author').fill('ana');
  await drawer.locator(`option[value="${ana}"]`).waitFor({ state: 'attached' });
  await drawer.getByLabel('author').fill(ana);
  const picture = Buffer.from(await owner.evaluate(async (p) => [...new Uint8Array(await (await fetch(p)).arrayBuffer())], `/api/data/files/photos/${photo.id}/image?size=320`));
  await drawer.getByLabel('image').setInputFiles({ name: 'new.jpg', mimeType: 'image/jpeg', buffer: picture });
  await drawer.getByAltText('The file that was chosen').waitFor();
  await drawer.getByLabel('caption').fill('made by an operator');
  await drawer.getByRole('button', { name: 'Make it' }).press('Enter');
  await page.waitForURL(/\/data\/photos\/[0-9a-z]{13}$/);
  await page.getByRole('dialog').getByText('version 1').waitFor();
  const id = page.url().split('/').at(-1);
  const made = await ask('GET', `/api/data/photos/${id}`);
  assert.deepEqual([made.author, made.caption, made.image.name], [ana, 'made by an operator', 'new.jpg']);
  await page.getByRole('button', { name: 'Delete' }).click();
  const sure = page.getByRole('dialog', { name: /Delete/ });
  await sure.getByText('it goes too').first().waitFor();
  await shoot(page, 'console-data-delete');
  await sure.getByRole('button', { name: 'Delete' }).click();
  await page.waitForURL('**/data/photos');
  await assert.rejects(ask('GET', `/api/data/photos/${id}`), /404/);
  const deeds = (await ask('GET', '/api/audit')).entries.filter((e) => e.target === `photos/${id}`).map((e) => e.what);
  assert.deepEqual(deeds, ['data.delete', 'data.create']);
  await page.context().close();
});

test('an account gets a role, a new password, and is signed out', async () => {
  const site = await house.person('mei.tan');
  const page = await house.operator();
  await page.goto('/people');
  await page.getByRole('searchbox', { name: 'Search accounts' }).fill('mei');
  await page.getByRole('link', { name: 'mei.tan' }).click();
  const drawer = page.getByRole('dialog');
  await drawer.getByLabel('moderator').click();
  await page.getByText('mei.tan is moderator now').waitFor();
  await drawer.getByRole('button', { name: 'New password…' }).click();
  await page.getByRole('button', { name: 'Make a new password' }).click();
  const shown = page.getByRole('dialog', { name: 'The password of mei.tan' });
  const made = (await shown.locator('pre').innerText()).trim();
  assert.match(made, /^[a-z2-7]{4}(-[a-z2-7]{4}){4}$/);
  await shown.getByRole('button', { name: 'Done' }).click();
  await drawer.getByText('Signed in nowhere').waitFor();
  const signIn = (password) => site.evaluate(async (p) => (await fetch('/api/auth/sign-in', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ handle: 'mei.tan', password: p }) })).status, password);
  assert.equal(await site.evaluate(async () => (await fetch('/api/auth/me')).status), 401);
  assert.equal(await signIn('roundtrip-demo'), 401);
  assert.equal(await signIn(made), 200);
  await page.reload();
  const device = page.getByRole('dialog').getByRole('button', { name: /^Sign out Chrome/ });
  await device.click();
  await page.getByRole('dialog', { name: /Sign mei.tan out/ }).getByRole('button', { name: 'Sign out' }).click();
  await page.getByText('Signed in nowhere').waitFor();
  assert.equal(await site.evaluate(async () => (await fetch('/api/auth/me')).status), 401);
  await page.context().close();
});
