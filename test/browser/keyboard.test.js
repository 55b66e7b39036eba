// Without a mouse: sign in, like, comment; and where the focus is after a page was opened.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, openHouse, password } from './house.js';

let house;
before(async () => (house = await openHouse()));
after(() => house.close());

// tabTo presses Tab until an element is focused; it must be reachable and show that it is focused.
async function tabTo(page, selector) {
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate((s) => {
      const e = document.activeElement;
      return { there: e.matches(s), outline: getComputedStyle(e).outlineStyle };
    }, selector);
    if (!at.there) continue;
    assert.notEqual(at.outline, 'none', `${selector} does not show its focus`);
    return;
  }
  assert.fail(`${selector} can't be reached with Tab`);
}

test('sign in, like and comment with the keyboard alone', async () => {
  const page = await house.person(null);
  await page.goto('/');
  await page.locator('.card').first().waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');

  await tabTo(page, 'nav a[href="/sign-in"]');
  await page.keyboard.press('Enter');
  await page.locator('form').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main', 'an opened page has the focus');
  await tabTo(page, '[name=handle]');
  await page.keyboard.type('jonas');
  await tabTo(page, '[name=password]');
  await page.keyboard.type('wrong password');
  await page.keyboard.press('Enter');
  await page.locator('[role=alert]:not(:empty)').waitFor();
  await page.locator('[name=password]').fill('');
  await page.locator('[name=password]').focus();
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await page.locator('nav a[href="/bell"]').waitFor();

  const card = page.locator('.card').filter({ has: page.locator('.like[aria-pressed=false]') }).first();
  await card.waitFor();
  const name = await card.getAttribute('aria-label');
  await tabTo(page, '.card .like[aria-pressed=false]');
  await page.keyboard.press('Space');
  await page.locator(`.card[aria-label="${name}"] .like[aria-pressed=true]`).waitFor();

  await tabTo(page, '.card a.action');
  await page.keyboard.press('Enter');
  await page.locator('.say').waitFor();
  const id = new URL(page.url()).pathname.split('/').at(-1);
  await tabTo(page, '.say input');
  await page.keyboard.type('Said with the keyboard');
  await page.keyboard.press('Enter');
  await page.locator('.comment', { hasText: 'Said with the keyboard' }).waitFor();

  const { comments } = await call(page, 'GET', `comments?photo=${id}&order_by=id%20desc&page_size=1`);
  assert.equal(comments[0].text, 'Said with the keyboard');
  const me = await call(page, 'GET', 'auth/me');
  const { total_size } = await call(page, 'GET', `likes?user=${me.account.id}&photo=${id}&count=exact`);
  assert.equal(total_size, 1);
  assert.deepEqual(page.failures, []);
});

test('what is wrong is said beside the field, and the focus goes there', async () => {
  const page = await house.person(null);
  await page.goto('/sign-up');
  await page.locator('[name=handle]').fill('Not A Handle');
  await page.locator('[name=password]').fill('short');
  await page.locator('form button').click();
  assert.equal(await page.evaluate(() => document.activeElement.name), 'handle');
  assert.match(await page.locator('.field', { has: page.locator('[name=handle]') }).locator('.note').textContent(), /small letters/);
  await page.locator('[name=handle]').fill('ana');
  await page.locator('[name=password]').fill('long enough for all');
  await page.locator('form button').click();
  await page.locator('[name=handle][aria-invalid=true]').waitFor(); // the server says that it is taken
  assert.equal(await page.evaluate(() => document.activeElement.name), 'handle');
});
