// Trying calls on the page API that bring files, that look things up, and whose answer is a stream.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { openHouse, shoot } from './house.js';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
// The smallest picture there is, one pixel of PNG.
const pixel = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==', 'base64');

let house;
before(async () => {
  house = await openHouse();
  await (await house.operator()).context().close();
});
after(() => house.close());

const settled = (page) => page.waitForFunction(() => document.querySelector('main h1') && !document.querySelector('[aria-busy=true]'));

// look takes a picture, and finds nothing that a screen reader or a small screen would stumble over.
async function look(page, name) {
  await shoot(page, `console-try-${name}`, { fullPage: true });
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), [], `${name}: axe`);
  assert.ok(!(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)), `${name}: wider than the screen`);
}

// pick finds a record by what people know it by, and gives its id.
async function pick(page, input, text) {
  await input.fill(text);
  const option = page.locator(`datalist#${(await input.getAttribute('list')).replaceAll(':', '\\:')} option`, { hasText: text }).first();
  await option.waitFor({ state: 'attached' });
  await input.fill(await option.getAttribute('value'));
}

// asAna has ana ask, whom an operator chooses from People.
async function asAna(page, form) {
  await form.getByRole('button', { name: 'As an account …' }).click();
  const dialog = page.getByRole('dialog');
  await pick(page, dialog.getByLabel('account'), 'ana');
  await dialog.getByRole('button', { name: 'Ask as this one' }).click();
  await form.getByRole('button', { name: 'As ana', pressed: true }).waitFor();
}

for (const [name, options] of Object.entries({
  'dark-360': { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, colorScheme: 'dark' },
  'light-1280': { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
})) {
  test(`a photo is made with its picture, over both doors, ${name}`, async () => {
    const page = await house.operator({ ...options, reducedMotion: 'reduce' });
    await page.goto('/calls/photos/create');
    await settled(page);
    const form = page.getByRole('region', { name: 'Try it' });
    const answer = form.getByRole('group', { name: 'The answer' });
    await asAna(page, form);
    await form.getByLabel('image').setInputFiles({ name: 'large.png', mimeType: 'image/png', buffer: Buffer.alloc(10_500_000) });
    await form.getByText('large.png has 11 MB, and image takes').waitFor();
    assert.ok(await form.getByRole('button', { name: 'Send' }).isDisabled(), 'what is too large is not sent');
    await form.getByLabel('image').setInputFiles({ name: 'pixel.png', mimeType: 'image/png', buffer: pixel });
    await form.getByLabel('caption').fill(`tried ${name}`);
    await form.getByLabel('private').selectOption('true');
    await look(page, `fields-${name}`);
    await form.getByRole('button', { name: 'Send' }).click();
    await answer.getByText('201', { exact: true }).waitFor();
    await answer.getByText(`"caption": "tried ${name}"`).waitFor();
    await answer.getByText('"private": true').waitFor();
    await form.getByRole('button', { name: 'Connect' }).click();
    await form.getByRole('button', { name: 'JSON', exact: true }).click();
    const body = form.getByRole('textbox', { name: 'Body' });
    assert.match(await body.inputValue(), /"photo": \{[\s\S]*"private": true/);
    await form.getByText('image: pixel.png, ').waitFor();
    await body.fill((await body.inputValue()).replace('tried', 'tried again'));
    await form.getByRole('button', { name: 'Send' }).click();
    await answer.getByText(`"caption": "tried again ${name}"`).waitFor();
    assert.deepEqual(page.failures, []);
    await page.context().close();
  });
}

test('a record is found by what people know it by, and a stream is watched and stopped', async () => {
  const page = await house.operator();
  await page.goto('/calls/users/get');
  await settled(page);
  const form = page.getByRole('region', { name: 'Try it' });
  const answer = form.getByRole('group', { name: 'The answer' });
  await pick(page, form.getByLabel('id'), 'ana');
  await form.getByRole('button', { name: 'Send' }).click();
  await answer.getByText('"handle": "ana"').waitFor();

  await page.goto('/calls/users/watch');
  await settled(page);
  await form.getByRole('button', { name: 'Connect' }).click();
  await form.getByRole('button', { name: 'Watch' }).click();
  const messages = answer.getByRole('list', { name: 'Messages' });
  await messages.getByText('"handle": "ana"').first().waitFor();
  await house.person('ana').then(async (ana) => {
    const me = await ana.evaluate(async () => (await fetch('/api/auth/me')).json());
    await ana.evaluate((id) => fetch(`/api/users/${id}`, { method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: '{"name":"Ana, watched"}' }), (me.account ?? me).id);
    await ana.context().close();
  });
  await messages.getByText('Ana, watched').waitFor();
  await look(page, 'stream');
  await form.getByRole('button', { name: 'Stop' }).click();
  await answer.getByText('You have ended it.').waitFor();
  await answer.getByRole('link', { name: 'its journey' }).waitFor();
  await page.context().close();
});
