// The inbox in Node, over server-sent events and over a WebSocket.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { person, picture, until } from './people.js';
import { Server } from './server.js';
import { Socket } from './socket.js';

for (const [name, options, prefix] of [
  ['server-sent events', {}, 's_'],
  ['a WebSocket', { WebSocket: Socket }, 'w_'],
]) {
  describe(name, { concurrency: false }, () => {
    let server;
    before(async () => (server = await Server.start()));
    after(() => server.close());
    const open = (t, handle) => person(t, server, prefix + handle, options);

    /** Watches somebody's inbox, and keeps every state that a callback was called with. */
    const watch = async (t, rt) => {
      const states = [];
      const feed = rt.inbox.watch();
      t.after(
        feed.on(
          (state) => states.push(state),
          (e) => states.push(e),
        ),
      );
      await until('the snapshot', () => states[0]);
      return { feed, states, now: () => states.at(-1) };
    };

    test('likes of several people are one entry, and an unlike takes its part away', async (t) => {
      const [ana, ben, cai] = [await open(t, 'ana'), await open(t, 'ben'), await open(t, 'cai')];
      const photo = await ana.photos.create({ image: picture() });
      const { states, now } = await watch(t, ana);
      assert.deepEqual([now().notifications.length, now().unread], [0, 0]);
      const like = await ben.likes.create({ photo: photo.id });
      await until('the first like', () => now().unread === 1);
      assert.equal(now().notifications[0].text, `${prefix}ben liked your photo`);
      assert.equal(now().notifications[0].group, photo.id);
      await cai.likes.create({ photo: photo.id });
      await until('the second like', () => now().notifications[0].count === 2);
      assert.equal(now().notifications[0].text, `${prefix}cai and ${prefix}ben liked your photo`);
      assert.equal(now().unread, 1);
      await ben.likes.delete(like.id);
      await until('the unlike', () => now().notifications[0].count === 1);
      const [mine] = (await cai.likes.list({ where: { user: cai.auth.current.account.id } })).records;
      await cai.likes.delete(mine.id);
      await until('nothing', () => now().notifications.length === 0);
      assert.equal(now().unread, 0);
      assert.deepEqual(
        now().changes.map((c) => c.type),
        ['removed'],
      );
      for (const [i, state] of states.entries())
        if (i > 0) assert.notDeepEqual({ ...state, changes: [] }, { ...states[i - 1], changes: [] });
    });

    test('seen and read move the badge at once', async (t) => {
      const [ana, ben] = [await open(t, 'dan'), await open(t, 'eli')];
      const photos = [await ana.photos.create({ image: picture() }), await ana.photos.create({ image: picture() })];
      const { now } = await watch(t, ana);
      for (const photo of photos) await ben.likes.create({ photo: photo.id });
      await until('two likes', () => now().unread === 2 && now().unseen === 2);
      await ana.inbox.seen();
      assert.deepEqual([now().unseen, now().unread], [0, 2]);
      assert.ok(now().notifications.every((n) => n.seen && !n.read));
      const [newest, older] = now().notifications;
      assert.equal(newest.group, photos[1].id);
      assert.equal((await ana.inbox.read([newest.id])).unread, 1);
      await until(
        'one is read',
        () => now().notifications[0].read && !now().notifications[1].read && now().unread === 1,
      );
      await ana.inbox.readAll();
      assert.equal(now().unread, 0);
      await until('both are read', () => now().notifications.every((n) => n.read));
      await ben.comments.create({ photo: older.group, text: 'And again' });
      await until('a third', () => now().unread === 1);
      assert.equal(now().notifications[0].kind, 'commented');
    });

    test('a cut loses nothing, and the list is that of a GET', async (t) => {
      const [ana, ben] = [await open(t, 'fin'), await open(t, 'gil')];
      const { now } = await watch(t, ana);
      for (let i = 0; i < 4; i++) {
        const photo = await ana.photos.create({ image: picture() });
        server.proxy.cut();
        await ben.likes.create({ photo: photo.id });
      }
      await server.stop('SIGKILL');
      await server.run();
      await ben.follows.create({ followee: ana.auth.current.account.id });
      await until('all five', () => now().unread === 5);
      const { notifications } = await ana.inbox.list();
      assert.deepEqual(now().notifications, notifications);
      assert.deepEqual(
        notifications.map((n) => n.kind),
        ['followed', 'liked', 'liked', 'liked', 'liked'],
      );
    });

    test('pages, and what comes while they are loaded', async (t) => {
      const [ana, ben] = [await open(t, 'hub'), await open(t, 'ira')];
      const photos = [];
      for (let i = 0; i < 25; i++) {
        const photo = await ana.photos.create({ image: picture() });
        await ben.likes.create({ photo: photo.id });
        photos.push(photo.id);
      }
      const { feed, now } = await watch(t, ana);
      assert.deepEqual([now().notifications.length, now().more], [20, true]);
      await ben.comments.create({ photo: photos[0], text: 'An old one' });
      await until('the comment', () => now().notifications.length === 21);
      assert.equal(await feed.more(), true);
      assert.deepEqual([now().notifications.length, now().more], [26, false]);
      assert.deepEqual(
        now()
          .notifications.slice(1)
          .map((n) => n.group),
        photos.reverse(),
      );
    });

    test('what one does not want to hear of does not come', async (t) => {
      const [ana, ben] = [await open(t, 'jon'), await open(t, 'kay')];
      const photo = await ana.photos.create({ image: picture() });
      const { now } = await watch(t, ana);
      assert.equal((await ana.inbox.preferences()).liked.inbox, true);
      assert.equal((await ana.inbox.setPreferences({ liked: { inbox: false } })).liked.inbox, false);
      await ben.likes.create({ photo: photo.id });
      await ben.comments.create({ photo: photo.id, text: 'Hello' });
      await until('the comment', () => now().unread === 1);
      assert.deepEqual(
        now().notifications.map((n) => n.kind),
        ['commented'],
      );
    });

    test('strangers have no inbox, until they sign in', async (t) => {
      const ana = await open(t, 'lea');
      await ana.auth.signOut();
      const { now } = await watch(t, ana);
      assert.equal(now().code, 'unauthenticated');
      await ana.auth.signIn({ handle: `${prefix}lea`, password: 'correct-horse-battery' });
      await until('the inbox', () => now().notifications?.length === 0);
    });
  });
}
