// Live data in Node, over server-sent events and over a WebSocket, through cuts and restarts of the server.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RoundtripError } from '../dist/index.js';
import { person, picture, stateOf, until } from './people.js';
import { Server } from './server.js';
import { Socket } from './socket.js';

for (const [name, options] of [
  ['server-sent events', {}],
  ['a WebSocket', { WebSocket: Socket }],
]) {
  describe(name, { concurrency: false }, () => {
    let server;
    before(async () => {
      assert.ok(options.WebSocket || name !== 'a WebSocket');
      server = await Server.start();
    });
    after(() => server.close());

    test('a feed gives its snapshot, then what changes', async (t) => {
      const ana = await person(t, server, 'ana', options);
      const ben = await person(t, server, 'ben', options);
      const photo = await ana.photos.create({ image: picture() });
      const first = await ben.comments.create({ photo: photo.id, text: 'first' });
      const feed = ana.comments.watch({ where: { photo: photo.id }, order_by: 'create_time desc', expand: ['author'] });
      const texts = (state) => state.records.map((c) => c.text);
      const begin = await stateOf(feed, 'the snapshot', () => true);
      assert.deepEqual(texts(begin), ['first']);
      assert.equal(begin.records[0].expand.author.handle, 'ben');

      const seen = [];
      t.after(feed.on((state) => seen.push(state)));
      await until('the snapshot again', () => seen.length === 1);
      const second = await ben.comments.create({ photo: photo.id, text: 'second' });
      await until('the second comment', () => seen.at(-1)?.records.length === 2);
      assert.deepEqual(texts(seen.at(-1)), ['second', 'first']);
      assert.deepEqual(
        seen.at(-1).changes.map((c) => [c.type, c.id]),
        [['put', second.id]],
      );
      await ben.comments.delete(first.id);
      await until('the removal', () => seen.at(-1)?.records.length === 1);
      assert.deepEqual(
        seen.at(-1).changes.map((c) => [c.type, c.id]),
        [['removed', first.id]],
      );
      assert.equal(seen.at(-1).records[0], seen.at(-2).records[0], 'what did not change is the same object');
    });

    test('a loop over a feed', async (t) => {
      const ana = await person(t, server, 'cai', options);
      const photo = await ana.photos.create({ image: picture() });
      const got = [];
      for await (const { changes } of ana.comments.watch({ where: { photo: photo.id } })) {
        for (const change of changes) got.push(change.record.text);
        if (got.length === 3) break;
        await ana.comments.create({ photo: photo.id, text: `number ${got.length}` });
      }
      assert.deepEqual(got, ['number 0', 'number 1', 'number 2']);
      await until('the end of the connection', () => ana.status.value === 'idle');
    });

    test('one record, and its counts', async (t) => {
      const ana = await person(t, server, 'dan', options);
      const photo = await ana.photos.create({ image: picture() });
      const feed = ana.photos.watch(photo.id, { expand: ['author'] });
      const seen = [];
      t.after(feed.on(({ record }) => seen.push(record)));
      await until('the record', () => seen[0]?.expand.author.handle === 'dan');
      await ana.likes.create({ photo: photo.id });
      await until('the like', () => seen.at(-1).likes === 1);
      await ana.photos.delete(photo.id);
      await until('the end', () => seen.at(-1) === null);
    });

    test('a topic that is refused says why, and the others go on', async (t) => {
      const ana = await person(t, server, 'eli', options);
      const wrong = await new Promise((resolve) => ana.photos.watch({ filter: 'likez > 1' }).on(() => {}, resolve));
      assert.ok(wrong instanceof RoundtripError);
      assert.equal(wrong.reason, 'request.filter');
      assert.match(wrong.errors[0].detail, /did you mean "likes"/);
      assert.equal(
        (await stateOf(ana.photos.watch({ filter: 'likes > 1000' }), 'the other', () => true)).records.length,
        0,
      );
      await assert.rejects(async () => {
        for await (const _ of ana.photos.watch({ filter: 'likez > 1' }));
      }, wrong.constructor);
    });

    test('a refusal that nobody listens for goes to the console', async (t) => {
      const ana = await person(t, server, 'eva', options);
      const said = [];
      const shown = console.error;
      console.error = (...what) => said.push(what);
      t.after(() => (console.error = shown));
      const feed = ana.photos.watch({ filter: 'likez > 1' });
      t.after(feed.on(() => {}));
      await until('the refusal', () => said.length > 0);
      const [text, error] = said[0];
      assert.match(text, /^The feed photos\?filter=likez%20%3E%201 is refused: /);
      assert.equal(error.reason, 'request.filter');
      const heard = await new Promise((resolve) => t.after(feed.on(() => {}, resolve)));
      assert.equal(heard.reason, 'request.filter');
      assert.equal(said.length, 1);
    });

    test('a cut loses nothing and shows nothing twice', async (t) => {
      const ana = await person(t, server, 'fin', options);
      const ben = await person(t, server, 'gil', options);
      const photo = await ana.photos.create({ image: picture() });
      const told = [];
      const feed = ana.comments.watch({ where: { photo: photo.id } });
      t.after(feed.on(({ changes }) => told.push(...changes.map((c) => c.record.text))));
      await until('the snapshot', () => feed.state);
      const wrote = [];
      for (let round = 0; round < 5; round++) {
        wrote.push(`before ${round}`);
        await ben.comments.create({ photo: photo.id, text: `before ${round}` });
        server.proxy.cut();
        wrote.push(`during ${round}`);
        await ben.comments.create({ photo: photo.id, text: `during ${round}` });
      }
      await until('everything', () => told.length >= wrote.length);
      assert.deepEqual(told, wrote);
      await until('live again', () => ana.status.value === 'live');
    });

    test('a restart of the server loses nothing', async (t) => {
      const ana = await person(t, server, 'hub', options);
      const photo = await ana.photos.create({ image: picture() });
      const told = [];
      const feed = ana.comments.watch({ where: { photo: photo.id } });
      t.after(feed.on(({ changes }) => told.push(...changes.map((c) => c.record.text))));
      await until('the snapshot', () => feed.state);
      const statuses = [];
      t.after(ana.status.on((value) => statuses.push(value)));
      for (const signal of ['SIGTERM', 'SIGKILL']) {
        await server.stop(signal);
        await server.run();
        await ana.comments.create({ photo: photo.id, text: signal });
        await until(signal, () => told.includes(signal));
      }
      assert.deepEqual(told, ['SIGTERM', 'SIGKILL']);
      assert.equal(statuses.at(-1), 'live');
      assert.ok(statuses.includes('connecting'));
    });

    test('more loads pages that are live as well', async (t) => {
      const ana = await person(t, server, 'ira', options);
      const photo = await ana.photos.create({ image: picture() });
      const made = [];
      for (let i = 0; i < 7; i++) made.push(await ana.comments.create({ photo: photo.id, text: `${i}` }));
      const feed = ana.comments.watch({ where: { photo: photo.id }, order_by: 'create_time desc', page_size: 3 });
      t.after(feed.on(() => {}));
      const texts = () => feed.state.records.map((c) => c.text).join('');
      await until('the first page', () => feed.state);
      assert.equal(texts(), '654');
      assert.equal(feed.state.more, true);
      const late = await ana.comments.create({ photo: photo.id, text: '7' });
      await until('the new one', () => texts() === '7654');
      assert.equal(await feed.more(), true);
      assert.equal(texts(), '7654321');
      await ana.comments.delete(made[2].id);
      await until('one less', () => texts() === '765431');
      assert.equal(await feed.more(), true);
      assert.equal(texts(), '7654310');
      assert.equal(feed.state.more, false);
      assert.equal(await feed.more(), false);
      await ana.comments.delete(late.id);
      await until('the newest is gone', () => texts() === '654310');
    });

    test('when the session ends elsewhere, the feed stops and says so', async (t) => {
      const here = await person(t, server, 'jon', options);
      const feed = here.photos.watch();
      t.after(feed.on(() => {}));
      await until('live', () => here.status.value === 'live');
      const heard = new Promise((resolve) => here.auth.onChange((me) => me ?? resolve(me)));
      await here.auth.endOtherSessions();
      const there = await person(t, server, 'jon2', options);
      await there.auth.signIn({ handle: 'jon', password: 'correct-horse-battery' });
      await there.auth.endOtherSessions();
      assert.equal(await heard, null);
      assert.equal(here.status.value, 'signed-out');
      await here.auth.signIn({ handle: 'jon', password: 'correct-horse-battery' });
      await until('live again', () => here.status.value === 'live');
    });

    test('signing out shows what strangers see', async (t) => {
      const ana = await person(t, server, 'kay', options);
      const photo = await ana.photos.create({ image: picture(), private: true });
      const feed = ana.photos.watch({ where: { author: photo.author } });
      t.after(feed.on(() => {}));
      await until('the private photo', () => feed.state?.records.length === 1);
      await ana.auth.signOut();
      await until('nothing', () => feed.state?.records.length === 0);
      await ana.auth.signIn({ handle: 'kay', password: 'correct-horse-battery' });
      await until('the private photo again', () => feed.state?.records.length === 1);
    });
  });
}
