// Calls, sign-in, files and retries in Node, against the real server.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createClient, filter, newID, RoundtripError } from '../dist/index.js';
import { password, person, picture, until } from './people.js';
import { Server } from './server.js';

let server;
before(async () => (server = await Server.start()));
after(() => server.close());

const fails = (want) => (e) => {
  assert.ok(e instanceof RoundtripError, String(e));
  for (const [name, value] of Object.entries(want)) assert.equal(e[name], value, name);
  return true;
};

test('sign up, in and out', async (t) => {
  const rt = await person(t, server, 'ana');
  const heard = [];
  rt.auth.onChange((me) => heard.push(me?.account.handle ?? null));
  assert.equal((await rt.auth.me()).account.handle, 'ana');
  assert.equal((await rt.auth.sessions()).length, 1);
  await rt.auth.signOut();
  assert.equal(await rt.auth.me(), null);
  await assert.rejects(
    rt.auth.signIn({ handle: 'ana', password: 'not-the-password' }),
    fails({ status: 401, code: 'unauthenticated' }),
  );
  const me = await rt.auth.signIn({ handle: 'ana', password });
  assert.deepEqual(me.roles, []);
  assert.deepEqual(heard, ['ana', null, 'ana']);
});

test('who listens is told who is signed in, and asks for it first', async (t) => {
  const kept = new Map();
  const storage = {
    getItem: (k) => kept.get(k) ?? null,
    setItem: (k, v) => kept.set(k, v),
    removeItem: (k) => kept.delete(k),
  };
  await person(t, server, 'abe', { storage });
  const asked = [];
  const watched = (url, init) => {
    asked.push(url);
    return fetch(url, init);
  };
  const again = createClient({ url: server.url, storage, fetch: watched });
  t.after(() => again.close());
  const heard = [];
  const listen = (who) => again.auth.onChange((me) => heard.push([who, me?.account.handle ?? null]));
  listen('first');
  listen('second');
  await until('the answer', () => heard.length === 2);
  listen('third');
  assert.deepEqual(heard, [
    ['first', 'abe'],
    ['second', 'abe'],
    ['third', 'abe'],
  ]);
  assert.deepEqual(asked, [`${server.url}auth/me`]);

  const stranger = createClient({ url: server.url });
  t.after(() => stranger.close());
  assert.equal(await new Promise((resolve) => stranger.auth.onChange(resolve)), null);
});

test('an answer to who is signed in from before a sign-in says nothing any more', async (t) => {
  await person(t, server, 'asa');
  let held;
  const slow = async (url, init) => {
    const answer = await fetch(url, init);
    if (url.endsWith('auth/me') && !held) await new Promise((resolve) => (held = resolve));
    return answer;
  };
  const rt = createClient({ url: server.url, fetch: slow });
  t.after(() => rt.close());
  const early = rt.auth.me();
  await until('the early answer', () => held);
  await rt.auth.signIn({ handle: 'asa', password });
  held();
  assert.equal((await early).account.handle, 'asa');
  assert.equal(rt.auth.current.account.handle, 'asa');
});

test('a session that another device ends', async (t) => {
  const here = await person(t, server, 'ben');
  const there = createClient({ url: server.url });
  t.after(() => there.close());
  await there.auth.signIn({ handle: 'ben', password });
  const heard = new Promise((resolve) => here.auth.onChange((me) => me ?? resolve(me)));
  await there.auth.endSession(here.auth.current.session);
  await assert.rejects(here.photos.list(), fails({ status: 401 }));
  assert.equal(await heard, null);
  assert.ok((await here.photos.list()).records, 'a stranger may look on');
});

test('the token is kept where the options say', async (t) => {
  const kept = new Map();
  const storage = {
    getItem: (k) => kept.get(k) ?? null,
    setItem: (k, v) => kept.set(k, v),
    removeItem: (k) => kept.delete(k),
  };
  await person(t, server, 'cleo', { storage });
  const again = createClient({ url: server.url, storage });
  t.after(() => again.close());
  assert.equal((await again.auth.me()).account.handle, 'cleo');
  await again.auth.signOut();
  assert.equal(kept.size, 0);
});

test('create, get, update and delete', async (t) => {
  const rt = await person(t, server, 'dora');
  const photo = await rt.photos.create({ image: picture(), caption: 'a "quoted" & odd caption' });
  assert.equal(photo.image.type, 'image/png');
  const got = await rt.photos.get(photo.id, { expand: ['author'], fields: ['caption', 'author'] });
  assert.equal(got.expand.author.handle, 'dora');
  assert.equal(got.likes, undefined);
  const changed = await rt.photos.update(photo.id, { caption: 'Evening' }, { ifMatch: photo.etag });
  assert.equal(changed.caption, 'Evening');
  await assert.rejects(
    rt.photos.update(photo.id, { caption: 'Late' }, { ifMatch: photo.etag }),
    fails({ status: 412, reason: 'store.stale' }),
  );
  await rt.photos.delete(photo.id);
  await assert.rejects(rt.photos.get(photo.id), fails({ status: 404, code: 'not_found' }));
});

test('a file comes back as it was sent', async (t) => {
  const rt = await person(t, server, 'emil');
  const image = picture(40, 30);
  const photo = await rt.photos.create({ image });
  const response = await fetch(rt.fileUrl('photos', photo, 'image'));
  assert.match(response.headers.get('Cache-Control'), /immutable/);
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), Buffer.from(await image.arrayBuffer()));
  assert.equal((await fetch(rt.fileUrl('photos', photo.id, 'image', 320))).status, 200);
});

test('lists, pages and filters', async (t) => {
  const rt = await person(t, server, 'fay');
  const photo = await rt.photos.create({ image: picture() });
  const texts = ['one', 'two', 'say "three" \\ ok\n', 'four', 'five'];
  for (const text of texts) await rt.comments.create({ photo: photo.id, text });
  const page = await rt.comments.list({
    where: { photo: photo.id },
    order_by: 'create_time desc',
    page_size: 2,
    count: 'exact',
  });
  assert.deepEqual(
    page.records.map((c) => c.text),
    ['five', 'four'],
  );
  assert.equal(page.total_size, 5);
  const all = [];
  for await (const c of rt.comments.all({ where: { photo: photo.id }, page_size: 2 })) all.push(c.text);
  assert.deepEqual(all, texts);
  const found = await rt.comments.list({
    filter: filter`photo == ${photo.id} && text in ${[texts[2], 'none']} && create_time < ${new Date(Date.now() + 60_000)}`,
  });
  assert.deepEqual(
    found.records.map((c) => c.text),
    [texts[2]],
  );
  const [sum] = await rt.comments.aggregate({ select: ['count'], where: { photo: photo.id } });
  assert.equal(sum.count, 5);
});

test('a wrong request says everything that is wrong', async (t) => {
  const rt = await person(t, server, 'gus');
  await assert.rejects(rt.comments.create({ photo: 'nonsense', text: '', more: 1 }), (e) => {
    assert.equal(e.code, 'invalid_argument');
    assert.deepEqual(e.errors.map((d) => d.pointer).sort(), ['/more', '/photo', '/text']);
    assert.match(e.journey, /^[0-9a-f]{32}$/);
    return true;
  });
});

test('a batch is all or nothing', async (t) => {
  const rt = await person(t, server, 'hal');
  const photo = await rt.photos.create({ image: picture() });
  const id = newID();
  const results = await rt.batch([
    { op: 'create', collection: 'comments', id, data: { photo: photo.id, text: 'One' } },
    { op: 'delete', collection: 'comments', id },
  ]);
  assert.equal(results[0].id, id);
  assert.equal(results[1], null);
  const bad = [
    { op: 'create', collection: 'comments', data: { photo: photo.id, text: 'Two' } },
    { op: 'create', collection: 'comments', data: { photo: photo.id, text: '' } },
  ];
  await assert.rejects(rt.batch(bad), (e) => e.errors[0].pointer === '/ops/1/data/text');
  assert.equal((await rt.comments.list({ where: { photo: photo.id } })).records.length, 0);
});

test('a write whose answer is cut off is done once', async (t) => {
  const rt = await person(t, server, 'ida');
  const photo = await rt.photos.create({ image: picture() });
  const before = server.answered('POST', '/api/comments');
  server.proxy.cutAnswer = true;
  const comment = await rt.comments.create({ photo: photo.id, text: 'once' });
  await until('two answers', () => server.answered('POST', '/api/comments') - before === 2);
  const { records } = await rt.comments.list({ where: { photo: photo.id } });
  assert.deepEqual(
    records.map((c) => c.id),
    [comment.id],
  );
});

test('an upload whose answer is cut off is done once', async (t) => {
  const rt = await person(t, server, 'jan');
  const before = server.answered('POST', '/api/photos');
  server.proxy.cutAnswer = true;
  const photo = await rt.photos.create({ image: picture(), caption: 'once' });
  await until('two answers', () => server.answered('POST', '/api/photos') - before === 2);
  const { records } = await rt.photos.list({ where: { author: rt.auth.current.account.id } });
  assert.deepEqual(
    records.map((p) => p.id),
    [photo.id],
  );
});

test('without a net the error says so', async (t) => {
  const rt = await person(t, server, 'kim', { retries: 1 });
  server.proxy.open = false;
  server.proxy.cut();
  t.after(() => (server.proxy.open = true));
  await assert.rejects(rt.photos.list(), fails({ status: 0, code: 'network' }));
});

test('the error of a name that does not exist says so', async (t) => {
  const rt = createClient({ url: 'https://nowhere.invalid/api/', retries: 0 });
  t.after(() => rt.close());
  await assert.rejects(rt.photos.list(), (e) => {
    assert.equal(e.code, 'network');
    assert.match(e.detail, /^No answer came from the server: getaddrinfo \w+ nowhere\.invalid$/);
    return true;
  });
});

test('a call that is given up', async (t) => {
  const rt = await person(t, server, 'lea');
  const abort = new AbortController();
  abort.abort(new Error('enough'));
  await assert.rejects(rt.photos.list({}, { signal: abort.signal }), /enough/);
});

test('awaiting a client gives the client', async () => {
  const rt = createClient({ url: server.url });
  assert.equal(await rt, rt);
  rt.close();
});
