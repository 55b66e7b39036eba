// Channels in Node: what is sent reaches those who are there, and everybody knows who is.

import assert from 'node:assert/strict';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createClient, RoundtripError } from '../dist/index.js';
import { person, picture, until } from './people.js';
import { gallery, Server } from './server.js';
import { Socket } from './socket.js';

const options = { WebSocket: Socket };
let server;
before(async () => {
  const folder = await gallery(process.env.ROUNDTRIP_CERTS);
  await appendFile(
    join(folder, 'roundtrip.yaml'),
    `
channels:
  photo: { of: photos, send: 'auth.id != null', presence: true }
`,
  );
  server = await Server.start(undefined, folder);
});
after(() => server.close());

/** Joins a channel, and keeps what comes. */
function enter(t, rt, name) {
  const channel = rt.channel(name);
  const got = { data: [], here: [], error: undefined, channel };
  channel.join({
    onMessage: (data, from) => got.data.push([data, from?.handle ?? null]),
    onPresence: (members) => (got.here = members.map((member) => member.handle).sort()),
    onError: (error) => (got.error = error),
  });
  t.after(() => channel.leave());
  return got;
}

test('messages and presence, also after a cut', async (t) => {
  const ana = await person(t, server, 'ana', options);
  const ben = await person(t, server, 'ben', options);
  const photo = await ana.photos.create({ image: picture() });
  const atAna = enter(t, ana, `photo/${photo.id}`);
  await until('ana is there', () => atAna.here.length === 1);
  const atBen = enter(t, ben, `photo/${photo.id}`);
  await until('both are there', () => atAna.here.join() === 'ana,ben' && atBen.here.join() === 'ana,ben');
  await ben.channel(`photo/${photo.id}`).send({ typing: true });
  await until('the message', () => atAna.data.length === 1);
  assert.deepEqual(atAna.data, [[{ typing: true }, 'ben']]);
  assert.deepEqual(atBen.data, [], 'nobody hears themselves');
  server.proxy.cut();
  await until('both are back', () => ana.status.value === 'live' && ben.status.value === 'live');
  await until('both are there again', () => atAna.here.join() === 'ana,ben' && atBen.here.join() === 'ana,ben');
  atBen.channel.leave();
  await until('ben has left', () => atAna.here.join() === 'ana');
});

test('rules decide who may join and send', async (t) => {
  const ana = await person(t, server, 'cai', options);
  const stranger = createClient({ url: server.url, ...options });
  t.after(() => stranger.close());
  const hidden = await ana.photos.create({ image: picture(), private: true });
  const open = await ana.photos.create({ image: picture() });
  const at = enter(t, stranger, `photo/${hidden.id}`);
  await until('the refusal', () => at.error);
  assert.ok(at.error instanceof RoundtripError);
  assert.equal(at.error.status, 404);
  enter(t, stranger, `photo/${open.id}`);
  await until('there', () => stranger.status.value === 'live');
  await assert.rejects(stranger.channel(`photo/${open.id}`).send({ x: 1 }), (e) => [401, 403].includes(e.status));
});
