// Two people and their friends: what one does is on the other's screen, whatever happens to the connection in between.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, openHouse, patience, shoot } from './house.js';

let house, ana, friends, photo, wire;
const anyone = () => friends[0];

before(async () => {
  house = await openHouse();
  wire = await house.wire();
  ana = await house.person('ana', { wire });
  friends = [];
  for (const handle of ['jonas', 'mei.tan', 'chidi_o', 'noor', 'tomas.k']) friends.push(await house.person(handle));
});
after(() => house.close());

// eventually repeats a check until it holds.
async function eventually(check) {
  const end = Date.now() + patience;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const like = async (friend) => (await call(friend, 'POST', 'likes', { photo })).id;
const say = (friend, text) => call(friend, 'POST', 'comments', { photo, text });
const badge = (page) => page.locator('nav a[href="/bell"] .badge').textContent({ timeout: 1000 }).catch(() => '0');
const open = (page, to) => page.evaluate((to) => document.querySelector(`nav a[href="${to}"]`).click(), to);

// same compares the bell's list, and the badge, with what the server has: nothing missing, nothing twice, in its order.
async function same(page) {
  const inbox = await call(page, 'GET', 'inbox?page_size=100');
  const shown = await page.locator('.note-text').evaluateAll((all) => all.map((e) => e.firstChild.textContent.trim()));
  assert.deepEqual(shown, inbox.notifications.map((n) => n.text));
  assert.equal(await badge(page), String(inbox.unread));
  return inbox;
}

async function sameComments(page) {
  const { comments } = await call(page, 'GET', `comments?photo=${photo}&order_by=id&page_size=100`);
  assert.deepEqual(await page.locator('.comment > p').allTextContents(), comments.map((c) => c.text));
}

test('ana shares a photo: preview, progress, and there it is', async () => {
  await ana.goto('/share');
  const bytes = await ana.evaluate(async () => {
    const { photos } = await (await fetch('/api/photos?page_size=1')).json();
    return [...new Uint8Array(await (await fetch(`/api/files/photos/${photos[0].id}/image`)).arrayBuffer())];
  });
  await ana.locator('[name=image]').setInputFiles({ name: 'lake.jpg', mimeType: 'image/jpeg', buffer: Buffer.from(bytes) });
  await ana.locator('canvas[aria-label="Preview of lake.jpg"]').waitFor();
  await ana.evaluate(() => {
    window.parts = [];
    new MutationObserver(() => {
      const bar = document.querySelector('progress');
      if (bar) window.parts.push(bar.value);
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
  await shoot(ana, 'share-preview');
  await ana.locator('[name=caption]').fill('Five friends at the lake');
  await ana.locator('form button[type=submit]').click();
  await ana.waitForURL(/\/photo\//);
  photo = new URL(ana.url()).pathname.split('/').at(-1);
  await ana.locator('h1', { hasText: 'Five friends at the lake' }).waitFor();
  const parts = await ana.evaluate(() => window.parts);
  assert.ok(parts.length > 0, 'the upload showed no progress');
  assert.equal(await badge(ana), String((await call(ana, 'GET', 'inbox')).unread));
});

test('a like is on the author’s screen and badge, without a reload', async () => {
  const before = Number(await badge(ana));
  const jonas = friends[0];
  await jonas.goto(`/photo/${photo}`);
  await jonas.locator('.photo .like[aria-pressed=false]').click();
  await jonas.locator('.photo .like[aria-pressed=true]').waitFor();
  await eventually(async () => assert.equal(await ana.locator('.photo .number').textContent(), '1'));
  await eventually(async () => assert.equal(await badge(ana), String(before + 1)));
  await shoot(ana, 'live-like');
  await open(ana, '/bell');
  await eventually(() => same(ana));
  assert.match(await ana.locator('.note-text').first().textContent(), /^jonas liked your photo/);
});

test('many likes are one entry; an unlike takes it back', async () => {
  const ids = [];
  for (const friend of friends.slice(1)) ids.push(await like(friend));
  await eventually(async () => {
    await same(ana);
    assert.match(await ana.locator('.note-text').first().textContent(), /^tomas\.k, noor and 3 others liked your photo/);
  });
  await shoot(ana, 'live-five-likes');
  for (const [i, id] of ids.entries()) await call(friends[i + 1], 'DELETE', `likes/${id}`);
  await eventually(async () => {
    await same(ana);
    assert.match(await ana.locator('.note-text').first().textContent(), /^jonas liked your photo/);
  });
  await friends[0].locator('.photo .like').click();
  await eventually(async () => {
    const { notifications } = await same(ana);
    assert.ok(!notifications.some((n) => n.group === photo));
  });
});

test('what the bell shows is seen; what is opened is read', async () => {
  await open(ana, '/');
  await ana.locator('.feed').waitFor();
  await like(friends[1]);
  await eventually(async () => assert.equal((await call(ana, 'GET', 'inbox')).unseen, 1));
  await ana.locator('.badge.loud').waitFor();
  await open(ana, '/bell');
  await eventually(async () => assert.equal((await call(ana, 'GET', 'inbox')).unseen, 0));
  await ana.locator('.badge:not(.loud)').waitFor();
  const { unread } = await call(ana, 'GET', 'inbox');
  await ana.locator('.note-row.unread').first().click();
  await ana.waitForURL(`**/photo/${photo}`);
  await eventually(async () => assert.equal(await badge(ana), String(unread - 1)));
  await open(ana, '/bell');
  await ana.getByRole('button', { name: 'Mark all as read' }).click();
  await eventually(async () => {
    assert.equal(await badge(ana), '0');
    assert.equal((await same(ana)).unread, 0);
  });
});

test('comments come while one looks', async () => {
  await ana.goto(`/photo/${photo}`);
  await say(friends[2], 'Which lake is it?');
  await ana.locator('.comment', { hasText: 'Which lake is it?' }).waitFor();
  await ana.locator('.say input').fill('The one behind the hill.');
  await ana.locator('.say button').click();
  await ana.locator('.comment', { hasText: 'The one behind the hill.' }).waitFor();
  await eventually(() => sameComments(ana));
});

// Each breaks the connection in its way, and mends it.
const breaks = {
  'the network is cut and comes back': { cut: () => wire.cut(), mend: () => wire.mend(), offline: true },
  'the browser is offline for a while': { cut: () => ana.context().setOffline(true), mend: () => ana.context().setOffline(false), offline: true },
  'the server is started again': { cut: () => house.server.stop('SIGKILL'), mend: () => house.server.start(), offline: true, down: true },
  // Nothing of the page runs while it sleeps, and its connection has died when it wakes.
  'the laptop sleeps': { cut: () => lifecycle('frozen').then(wire.cut), mend: () => wire.mend().then(() => lifecycle('active')) },
};

async function lifecycle(state) {
  const cdp = await ana.context().newCDPSession(ana);
  await cdp.send('Page.setWebLifecycleState', { state });
}

for (const [name, { cut, mend, offline, down }] of Object.entries(breaks)) {
  test(`${name}: nothing is missing, nothing comes twice`, async () => {
    await ana.goto(`/photo/${photo}`);
    await say(friends[3], `before: ${name}`);
    await ana.locator('.comment', { hasText: `before: ${name}` }).waitFor();
    await cut();
    if (offline) {
      await ana.locator('.connection p').waitFor();
      await shoot(ana, `offline-${name.replaceAll(' ', '-')}`);
    }
    const away = async () => {
      for (const [i, friend] of friends.entries()) await say(friend, `while away ${i}: ${name}`);
      for (const friend of friends) await like(friend).catch(() => {}); // liked already
    };
    if (down) {
      await mend();
      await away();
    } else {
      await away();
      await mend();
    }
    await say(friends[4], `after: ${name}`);
    await ana.locator('.comment', { hasText: `after: ${name}` }).waitFor();
    await eventually(() => sameComments(ana));
    await eventually(async () => assert.equal(await ana.locator('.connection p').count(), 0));
    await open(ana, '/bell');
    await eventually(() => same(ana));
  });
}

test('what is liked offline is kept back, said so, and sent', async () => {
  const noors = (await call(anyone(), 'GET', 'photos?filter=author.handle%20%3D%3D%20%22noor%22&page_size=1')).photos[0].id;
  const mine = async () => (await call(ana, 'GET', `likes?photo=${noors}&filter=user%20%3D%3D%20auth.id`)).likes.length;
  if (await mine()) await call(ana, 'DELETE', `likes/${(await call(ana, 'GET', `likes?photo=${noors}&filter=user%20%3D%3D%20auth.id`)).likes[0].id}`);
  await ana.goto(`/photo/${noors}`);
  await ana.locator('.photo .like[aria-pressed=false]').waitFor();
  await wire.cut();
  await ana.locator('.connection p').waitFor();
  await ana.locator('.photo .like').click();
  await ana.locator('.photo .like[aria-pressed=true]').waitFor();
  await ana.locator('.connection p', { hasText: '1 press kept back' }).waitFor();
  await shoot(ana, 'offline-kept-back');
  await wire.mend();
  await eventually(async () => assert.equal(await mine(), 1));
  await eventually(async () => assert.equal(await ana.locator('.connection p').count(), 0));
  assert.equal(await ana.locator('.photo .like').getAttribute('aria-pressed'), 'true');
  await ana.waitForFunction(() => document.querySelector('.stage img').naturalWidth > 0); // also where the cut came first
});

test('a like that the server refuses is taken back, and said why', async () => {
  const jonas = friends[0];
  const { photos } = await call(jonas, 'GET', 'photos?filter=author.handle%20%3D%3D%20%22mei.tan%22&page_size=1&order_by=id%20desc');
  await jonas.goto(`/photo/${photos[0].id}`);
  const heart = jonas.locator('.photo .like');
  await heart.and(jonas.locator('[aria-pressed=false]')).waitFor();
  const count = await jonas.locator('.photo .number').textContent();
  await jonas.route('**/api/likes', (route) => (route.request().method() === 'POST'
    ? route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify({ status: 403, code: 'permission_denied', detail: 'Not today.' }) })
    : route.continue()));
  await heart.click();
  await jonas.locator('.notice', { hasText: 'Your like was not kept: Not today.' }).waitFor();
  assert.equal(await heart.getAttribute('aria-pressed'), 'false');
  assert.equal(await jonas.locator('.photo .number').textContent(), count);
  await shoot(jonas, 'like-refused');
});

test('no script failed on any screen', () => {
  for (const page of [ana, ...friends]) assert.deepEqual(page.failures, []);
});
