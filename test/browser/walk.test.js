// One person's way through the page: scrolling on, going back, following, editing, leaving.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, openHouse, shoot } from './house.js';

let house;
before(async () => (house = await openHouse()));
after(() => house.close());

const ids = (page) => page.locator('main > div:not([hidden]) .card .frame').evaluateAll((all) => all.map((a) => a.pathname.split('/').at(-1)));

test('the list goes on as one scrolls, each photo once, and going back finds the place', async () => {
  const noor = await house.person('noor');
  await noor.goto('/discover');
  await noor.locator('.feed[aria-busy=false] .card').first().waitFor();
  const { photos } = await call(noor, 'GET', 'photos?order_by=id%20desc&page_size=100');
  assert.ok(photos.length > 12, 'there are several pages');
  while ((await ids(noor)).length < photos.length) await noor.mouse.wheel(0, 2000);
  assert.deepEqual(await ids(noor), photos.map((p) => p.id));

  const last = noor.locator(`.frame[href="/photo/${photos.at(-1).id}"]`);
  await last.scrollIntoViewIfNeeded();
  const place = await noor.evaluate(() => scrollY);
  await last.click();
  await noor.locator('.photo h1.caption').waitFor();
  assert.equal(await noor.evaluate(() => scrollY), 0, 'a new page starts at its top');
  await noor.goBack();
  await last.waitFor();
  await noor.waitForFunction((place) => Math.abs(scrollY - place) < 2, place);
  assert.deepEqual(noor.failures, []);
});

test('who follows somebody gets their photos, also those of the next moment', async () => {
  const [ana, noor] = [await house.person('ana'), await house.person('noor')];
  await noor.goto('/people/tomas.k/');
  const follow = noor.locator('.profile button');
  await follow.and(noor.locator('.strong')).waitFor();
  await follow.click();
  await noor.locator('.profile button', { hasText: 'Following' }).waitFor();
  await noor.locator('.numbers', { hasText: '2 followers' }).waitFor(); // the server's own count, live
  await noor.locator('nav a[href="/"]').click();
  await noor.locator('.card[aria-label^="Photo by tomas.k"]').first().waitFor();

  await ana.evaluate(async () => {
    const { photos } = await (await fetch('/api/photos?page_size=1')).json();
    const form = new FormData();
    form.set('image', await (await fetch(`/api/files/photos/${photos[0].id}/image`)).blob(), 'a.jpg');
    form.set('caption', 'Fresh from the camera');
    await fetch('/api/photos', { method: 'POST', body: form });
  });
  await noor.locator('.card', { hasText: 'Fresh from the camera' }).waitFor();
  assert.match(await noor.locator('.card').first().textContent(), /Fresh from the camera/);
  await shoot(noor, 'walk-new-photo');

  const { comments } = await call(ana, 'GET', 'comments?page_size=1');
  assert.ok(comments.length);
  assert.deepEqual(noor.failures, []);
});

test('an address that leads to no photo says so, in words for people', async () => {
  const noor = await house.person('noor');
  for (const id of ['nope', '0am5terb80000']) {
    await noor.goto(`/photo/${id}`);
    await noor.locator('main h1', { hasText: 'There is nothing here' }).waitFor();
    await noor.waitForFunction(() => document.title === 'Not here · Gallery');
  }
  assert.deepEqual(noor.failures, []);
});

test('a profile is edited, and shows at once', async () => {
  const mei = await house.person('mei.tan');
  await mei.goto('/people/mei.tan/');
  await mei.getByRole('button', { name: 'Edit profile' }).click();
  await shoot(mei, 'walk-edit-profile');
  await mei.locator('[name=name]').fill('Mei from Line 4');
  await mei.getByRole('button', { name: 'Save' }).click();
  await mei.locator('h1', { hasText: 'Mei from Line 4' }).waitFor();
  await mei.locator('.profile + .form').waitFor({ state: 'detached' });
  assert.deepEqual(mei.failures, []);
});

test('who signs out on one device is out there, and the page says so', async () => {
  const here = await house.person('chidi_o');
  const there = await house.person('chidi_o');
  await there.goto('/bell');
  await there.locator('h1', { hasText: 'Notifications' }).waitFor();
  await here.goto('/settings');
  await here.locator('.sessions li').filter({ hasNotText: 'this device' }).filter({ hasText: 'Chrome' }).getByRole('button').first().click();
  await there.locator('form [name=password]').waitFor();
  assert.equal(await there.locator('nav a[href="/bell"]').count(), 0);
  await here.getByRole('button', { name: 'Sign out' }).click();
  await here.locator('.welcome').waitFor();
  assert.deepEqual([...here.failures, ...there.failures], []);
});
