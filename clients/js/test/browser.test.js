// The client in Chromium: cookies, progress, tabs that share one connection, and everything that may happen to a page.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Person } from './browser.js';
import { password, person, picture, until } from './people.js';
import { Server } from './server.js';

let server;
let browser;
before(async () => {
  server = await Server.start();
  browser = await launch();
});
after(async () => {
  await browser.close();
  await server.close();
});

/** Watches the comments of a photo in a tab, and resolves when the snapshot is there. */
const watchComments = (page, photo) =>
  page.evaluate(
    (photo) =>
      new Promise((resolve) => {
        globalThis.feed = rt.comments.watch({ where: { photo }, page_size: 200 });
        feed.on(({ changes }) => {
          told.push(...changes.map((c) => `${c.type} ${(c.record ?? c.before).text}`));
          resolve();
        });
      }),
    photo,
  );
const told = (page, n) => page.waitForFunction((n) => told.length >= n, n).then(() => page.evaluate(() => told));
const status = (page, value) => page.waitForFunction((value) => rt.status.value === value, value);
const comments = (rt, photo, ...texts) =>
  texts.reduce((before, text) => before.then(() => rt.comments.create({ photo, text })), Promise.resolve());

/** Somebody in Node who has a photo, for the browser's people to look at. */
async function author(t, handle) {
  const rt = await person(t, server, handle);
  const photo = await rt.photos.create({ image: picture() });
  return { rt, photo: photo.id };
}

test('a page of the site has a cookie and keeps no token', async (t) => {
  const ana = await Person.open(t, browser, server, 'b_ana');
  assert.equal(await ana.first.evaluate(() => rt.auth.current.account.handle), 'b_ana');
  assert.equal(await ana.first.evaluate(() => localStorage.length), 0);
  const again = await ana.tab();
  assert.equal(await again.evaluate(() => rt.auth.me().then((me) => me.account.handle)), 'b_ana');
});

test('an upload tells how far it is', async (t) => {
  const ana = await Person.open(t, browser, server, 'b_ben');
  const image = picture(1200, 800);
  const bytes = Buffer.from(await image.arrayBuffer()).toString('base64');
  const { parts, size } = await ana.first.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const parts = [];
    const photo = await rt.photos.create(
      { image: new File([bytes], 'noise.png') },
      { onProgress: (part) => parts.push(part) },
    );
    return { parts, size: photo.image.size };
  }, bytes);
  assert.equal(size, image.size);
  assert.equal(parts.at(-1), 1);
  assert.deepEqual(
    parts,
    [...parts].sort((a, b) => a - b),
  );
  const wrong = await ana.first.evaluate(() =>
    rt.photos
      .create({ image: new File(['no picture'], 'x.png') }, { onProgress: () => {} })
      .catch((e) => [e.status, e.reason]),
  );
  assert.deepEqual(wrong, [415, 'file.type']);
});

test('two tabs share one connection', async (t) => {
  const { rt, photo } = await author(t, 'b_cai');
  const ben = await Person.open(t, browser, server, 'b_dan');
  await watchComments(ben.first, photo);
  const second = await ben.tab();
  await watchComments(second, photo);
  await comments(rt, photo, 'one', 'two');
  for (const page of [ben.first, second]) assert.deepEqual(await told(page, 2), ['put one', 'put two']);
  assert.equal(ben.sockets.size, 1);
  assert.equal(await second.evaluate(() => rt.status.value), 'live');
});

test('a tab that comes later gets what the first one holds', async (t) => {
  const { rt, photo } = await author(t, 'b_eli');
  await comments(rt, photo, 'early');
  const ben = await Person.open(t, browser, server, 'b_fay');
  await watchComments(ben.first, photo);
  await comments(rt, photo, 'later');
  await told(ben.first, 2);
  const second = await ben.tab();
  await watchComments(second, photo);
  assert.deepEqual(await told(second, 2), ['put early', 'put later']);
  assert.equal(ben.opened, 1);
});

test('a close that is final is told in all tabs, and to what is watched after it', async (t) => {
  const { photo } = await author(t, 'b_fin');
  const ben = await Person.open(t, browser, server, 'b_fox');
  await ben.first.close();
  const leading = await ben.tab(() => {
    const Real = WebSocket;
    globalThis.WebSocket = class extends Real {
      constructor(url) {
        super(url);
        globalThis.socket = this;
      }
    };
  });
  await watchComments(leading, photo);
  const second = await ben.tab();
  await watchComments(second, photo);
  const refused = (page, topic) =>
    page.evaluate(
      ({ topic, photo }) => {
        globalThis.refused = new Promise((resolve) => {
          const feed = topic === 'photo' ? rt.photos.watch(photo) : rt.comments.watch({ where: { photo }, page_size: 200 });
          feed.on(
            () => {},
            (e) => resolve([topic, e.status, e.code, e.reason, e.detail.length > 0]),
          );
        });
        return undefined;
      },
      { topic, photo },
    );
  for (const page of [leading, second]) await refused(page, 'comments');
  await leading.evaluate(() => socket.send('this is no message'));
  const why = [400, 'invalid_argument', 'request.invalid', true];
  for (const page of [leading, second])
    assert.deepEqual(await page.evaluate(() => refused), ['comments', ...why]);
  for (const page of [second, leading]) {
    await refused(page, 'photo');
    assert.deepEqual(await page.evaluate(() => globalThis.refused), ['photo', ...why]);
  }
});

test('when the leading tab closes, another one goes on where it was', async (t) => {
  const { rt, photo } = await author(t, 'b_gil');
  const ben = await Person.open(t, browser, server, 'b_hal');
  await watchComments(ben.first, photo);
  const second = await ben.tab();
  await watchComments(second, photo);
  const third = await ben.tab();
  await watchComments(third, photo);
  await comments(rt, photo, 'one');
  await told(third, 1);
  await Promise.all([ben.first.close(), comments(rt, photo, 'two', 'three')]);
  await comments(rt, photo, 'four');
  for (const page of [second, third])
    assert.deepEqual(await told(page, 4), ['put one', 'put two', 'put three', 'put four']);
  await until('one connection', () => ben.sockets.size === 1);
});

test('a leading tab that the browser freezes hands over, and catches up when it goes on', async (t) => {
  const { rt, photo } = await author(t, 'b_ian');
  const ben = await Person.open(t, browser, server, 'b_jan');
  await watchComments(ben.first, photo);
  const second = await ben.tab();
  await watchComments(second, photo);
  const devtools = await ben.context.newCDPSession(ben.first);
  await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
  await comments(rt, photo, 'one', 'two');
  assert.deepEqual(await told(second, 2), ['put one', 'put two']);
  await devtools.send('Page.setWebLifecycleState', { state: 'active' });
  await comments(rt, photo, 'three');
  for (const page of [ben.first, second]) assert.deepEqual(await told(page, 3), ['put one', 'put two', 'put three']);
  await until('one connection', () => ben.sockets.size === 1);
});

test('a leading tab that hangs loses the lead to one that is looked at', async (t) => {
  const { rt, photo } = await author(t, 'b_kim');
  const ben = await Person.open(t, browser, server, 'b_leo');
  await watchComments(ben.first, photo);
  const second = await ben.tab();
  await watchComments(second, photo);
  const devtools = await ben.context.newCDPSession(ben.first);
  await devtools.send('Debugger.enable');
  const paused = new Promise((resolve) => devtools.once('Debugger.paused', resolve));
  await devtools.send('Debugger.pause');
  const woken = devtools.send('Runtime.evaluate', { expression: '1' }); // the statement that it stops at
  await paused;
  await comments(rt, photo, 'one');
  await second.evaluate(() => window.dispatchEvent(new Event('focus')));
  assert.deepEqual(await told(second, 1), ['put one']);
  await devtools.send('Debugger.resume');
  await woken;
  await devtools.send('Debugger.disable');
  await comments(rt, photo, 'two');
  for (const page of [ben.first, second]) assert.deepEqual(await told(page, 2), ['put one', 'put two']);
  await until('one connection', () => ben.sockets.size === 1);
});

test('without a net the page says so, and catches up', async (t) => {
  const { rt, photo } = await author(t, 'b_max');
  const ben = await Person.open(t, browser, server, 'b_mia');
  await watchComments(ben.first, photo);
  await status(ben.first, 'live');
  for (const text of ['one', 'two']) {
    await ben.context.setOffline(true);
    await status(ben.first, 'offline');
    await comments(rt, photo, text);
    await ben.context.setOffline(false);
    await told(ben.first, text === 'one' ? 1 : 2);
    await status(ben.first, 'live');
  }
  assert.deepEqual(await told(ben.first, 2), ['put one', 'put two']);
});

test('cuts and a restart lose nothing and show nothing twice, in all tabs', async (t) => {
  const { rt, photo } = await author(t, 'b_nia');
  const ben = await Person.open(t, browser, server, 'b_noa');
  await watchComments(ben.first, photo);
  const second = await ben.tab();
  await watchComments(second, photo);
  const want = [];
  for (let i = 0; i < 4; i++) {
    server.proxy.cut();
    await comments(rt, photo, `cut ${i}`);
    want.push(`put cut ${i}`);
  }
  await server.stop('SIGKILL');
  await server.run();
  await comments(rt, photo, 'restarted');
  want.push('put restarted');
  for (const page of [ben.first, second]) assert.deepEqual(await told(page, want.length), want);
});

test('where no WebSocket gets through, server-sent events do', async (t) => {
  const { rt, photo } = await author(t, 'b_ole');
  const ben = await Person.open(t, browser, server, 'b_oda');
  await ben.first.close();
  const page = await ben.tab(() => {
    const Real = WebSocket;
    globalThis.WebSocket = class extends Real {
      constructor(url) {
        super(url.replace('/live', '/nowhere')); // the server refuses the handshake
      }
    };
  });
  await watchComments(page, photo);
  await comments(rt, photo, 'one');
  server.proxy.cut();
  await comments(rt, photo, 'two');
  assert.deepEqual(await told(page, 2), ['put one', 'put two']);
});

test('signing in and out reaches all tabs', async (t) => {
  const { rt, photo } = await author(t, 'b_pia');
  await rt.photos.update(photo, { private: true });
  const ben = await Person.open(t, browser, server, 'b_pip');
  const second = await ben.tab();
  await second.evaluate(() => rt.auth.me());
  const watch = (page) =>
    page.evaluate((author) => {
      rt.photos.watch({ where: { author } }).on(({ records }) => (globalThis.held = records.length));
      rt.auth.onChange((me) => (globalThis.who = me?.account.handle ?? 'nobody'));
    }, rt.auth.current.account.id);
  for (const page of [ben.first, second]) await watch(page);
  for (const page of [ben.first, second]) await page.waitForFunction(() => globalThis.held === 0);
  await second.evaluate((by) => rt.auth.signIn(by), { handle: 'b_pia', password });
  for (const page of [ben.first, second])
    await page.waitForFunction(() => globalThis.who === 'b_pia' && globalThis.held === 1);
  await ben.first.evaluate(() => rt.auth.signOut());
  for (const page of [ben.first, second])
    await page.waitForFunction(() => globalThis.who === 'nobody' && globalThis.held === 0);
});

test('all tabs show the same badge', async (t) => {
  const ana = await Person.open(t, browser, server, 'b_ria');
  const ben = await person(t, server, 'b_rob');
  const account = await ana.first.evaluate(() => rt.auth.current.account.id);
  const second = await ana.tab();
  const tabs = [ana.first, second];
  for (const page of tabs) await page.evaluate(() => rt.inbox.watch().on((state) => (globalThis.inbox = state)));
  await ben.follows.create({ followee: account });
  for (const page of tabs) await page.waitForFunction(() => globalThis.inbox?.unread === 1 && inbox.unseen === 1);
  await second.evaluate(() => rt.inbox.seen());
  for (const page of tabs)
    await page.waitForFunction(() => inbox.unseen === 0 && inbox.unread === 1 && inbox.notifications[0].seen);
  await ana.first.evaluate(() => rt.inbox.read([inbox.notifications[0].id]));
  for (const page of tabs) await page.waitForFunction(() => inbox.unread === 0 && inbox.notifications[0].read);
  assert.equal(ana.sockets.size, 1);
});
