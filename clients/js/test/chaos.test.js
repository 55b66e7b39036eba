// Random writes, cuts and crashes. In the end every client holds exactly what a GET answers, and was never told the same twice.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { createClient } from '../dist/index.js';
import { password, person, picture, until } from './people.js';
import { Server } from './server.js';
import { Socket } from './socket.js';

let server;
before(async () => (server = await Server.start()));
after(() => server.close());

const seed = Number(process.env.SEED ?? 20261128);
const operations = Number(process.env.OPERATIONS ?? 160);

/** Numbers below n that a seed decides. */
function dice(seed) {
  let x = seed;
  return (n) => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * n);
  };
}

test(`random writes through cuts and crashes (SEED=${seed})`, async (t) => {
  const roll = dice(seed);
  const ana = await person(t, server, 'ana');
  const writers = [await person(t, server, 'ben', { retries: 10 }), await person(t, server, 'cai', { retries: 10 })];
  const photos = [];
  for (let i = 0; i < 3; i++) photos.push((await ana.photos.create({ image: picture() })).id);

  const readers = [];
  for (const options of [{}, { WebSocket: Socket }]) {
    const rt = createClient({ url: server.url, retries: 10, ...options });
    t.after(() => rt.close());
    await rt.auth.signIn({ handle: 'ana', password });
    const comments = rt.comments.watch({ order_by: 'create_time desc', expand: ['author'], page_size: 200 });
    const liked = rt.photos.watch({ order_by: 'likes desc' });
    const inbox = rt.inbox.watch();
    const told = ({ changes }) => {
      for (const { type, record, before } of changes) {
        if (type === 'put' && before) assert.notDeepEqual(record, before, 'told twice of the same');
      }
    };
    for (const feed of [comments, liked, inbox]) {
      let first = true;
      feed.on(
        (state) => (first ? (first = false) : told(state)),
        (e) => assert.fail(e),
      );
    }
    await until('the snapshots', () => comments.state && liked.state && inbox.state);
    readers.push({ rt, comments, liked, inbox });
  }

  for (let i = 1; i <= operations; i++) {
    const writer = writers[roll(writers.length)];
    const mine = writer.auth.current.account.id;
    const photo = photos[roll(photos.length)];
    const pick = roll(10);
    if (pick < 5) {
      await writer.comments.create({ photo, text: `comment ${i}` });
    } else if (pick < 7) {
      const { records } = await writer.comments.list({ where: { author: mine } });
      if (records.length) await writer.comments.delete(records[roll(records.length)].id);
    } else {
      const { records } = await writer.likes.list({ where: { user: mine, photo } });
      if (records.length) await writer.likes.delete(records[0].id);
      else await writer.likes.create({ photo });
    }
    if (roll(6) === 0) server.proxy.cut();
    if (i % 80 === 0) {
      await server.stop('SIGKILL');
      await server.run();
    }
  }

  const comments = (await ana.comments.list({ order_by: 'create_time desc', expand: ['author'], page_size: 200 }))
    .records;
  const liked = (await ana.photos.list({ order_by: 'likes desc' })).records;
  const inbox = await ana.inbox.list();
  const want = { comments, liked, notifications: inbox.notifications, unread: inbox.unread, unseen: inbox.unseen };
  assert.ok(comments.length > 10 && inbox.notifications.length > 3, 'there is something to compare');
  for (const { comments, liked, inbox } of readers) {
    const held = () => {
      const { notifications, unread, unseen } = inbox.state;
      return { comments: comments.state.records, liked: liked.state.records, notifications, unread, unseen };
    };
    await until('what a GET answers', () => isDeepStrictEqual(held(), want)).catch(() =>
      assert.deepEqual(held(), want),
    );
  }
});
