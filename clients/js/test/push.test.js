// Web Push: a browser subscribes through the client, and is left in peace where a page has shown the notification.

import assert from 'node:assert/strict';
import { createDecipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, Person } from './browser.js';
import { person, picture, until } from './people.js';
import { gallery, Server } from './server.js';

let server;
let browser;
let pushed; // what the push service was given: to whom, and what it says
const browsers = new Map(); // what opens a push, by the path of its endpoint
const service = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    pushed.push({ to: request.url, ...browsers.get(request.url)(Buffer.concat(parts)) });
    response.writeHead(201).end();
  });
});

before(async () => {
  const folder = await gallery(process.env.ROUNDTRIP_CERTS);
  const file = join(folder, 'roundtrip.yaml');
  const declared = (await readFile(file, 'utf8')).replace(/^( {2}liked:\n)/m, '$1    channels: [inbox, push]\n');
  await writeFile(
    file,
    `${declared}\npush: { subject: 'mailto:operator@example.com', grace: 1s, allow_private: true }\n`,
  );
  await new Promise((resolve) => service.listen(0, '127.0.0.1', resolve));
  server = await Server.start(undefined, folder);
  browser = await launch();
});
after(async () => {
  await browser.close();
  await server.close();
  await new Promise((resolve) => service.close(resolve));
});

/** What a service worker's registration is to the client, with a push service of the test's own behind it. */
function registration(name) {
  const keys = createECDH('prime256v1');
  keys.generateKeys();
  const secret = randomBytes(16);
  browsers.set(`/${name}`, (body) => JSON.parse(decrypt(body, keys, secret)));
  const endpoint = `http://127.0.0.1:${service.address().port}/${name}`;
  let made = null;
  const subscription = {
    endpoint,
    toJSON: () => ({
      endpoint,
      expirationTime: null,
      keys: { p256dh: keys.getPublicKey('base64url'), auth: secret.toString('base64url') },
    }),
    unsubscribe: async () => (made = null),
  };
  const subscribe = async ({ applicationServerKey }) => {
    assert.equal(
      Buffer.from(applicationServerKey, 'base64url').length,
      65,
      'the key of the server is a point of P-256',
    );
    return (made = subscription);
  };
  return { pushManager: { subscribe, getSubscription: async () => made } };
}

/** Opens a push (RFC 8291, over RFC 8188 with one record). */
function decrypt(body, keys, secret) {
  const hkdf = (salt, key, info, length) => Buffer.from(hkdfSync('sha256', key, salt, info, length));
  const salt = body.subarray(0, 16);
  const sender = body.subarray(21, 21 + body[20]);
  const sealed = body.subarray(21 + body[20]);
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), keys.getPublicKey(), sender]);
  const key = hkdf(secret, keys.computeSecret(sender), info, 32);
  const nonce = hkdf(salt, key, 'Content-Encoding: nonce\0', 12);
  const cipher = createDecipheriv('aes-128-gcm', hkdf(salt, key, 'Content-Encoding: aes128gcm\0', 16), nonce);
  cipher.setAuthTag(sealed.subarray(-16));
  const text = Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
  return text.subarray(0, text.lastIndexOf(2)); // behind the delimiter there are only zeros
}

test('a browser is told, until it does not want to be', async (t) => {
  pushed = [];
  const ana = await person(t, server, 'ana');
  const ben = await person(t, server, 'ben');
  const [phone, laptop] = [registration('phone'), registration('laptop')];
  await ana.inbox.push.subscribe(phone);
  await ana.inbox.push.subscribe(laptop);
  await ben.likes.create({ photo: (await ana.photos.create({ image: picture() })).id });
  await until('both are told', () => pushed.length === 2);
  assert.deepEqual(pushed.map((push) => push.to).sort(), ['/laptop', '/phone']);
  assert.equal(pushed[0].body, 'ben liked your photo');
  await ana.inbox.push.unsubscribe(phone);
  await ben.likes.create({ photo: (await ana.photos.create({ image: picture() })).id });
  await until('the laptop is told', () => pushed.length === 3);
  assert.equal(pushed[2].to, '/laptop');
});

test('what a page has shown is not pushed', async (t) => {
  pushed = [];
  const cai = await Person.open(t, browser, server, 'cai');
  const dan = await person(t, server, 'dan');
  const elsewhere = await person(t, server, 'eli');
  await elsewhere.auth.signIn({ handle: 'cai', password: 'correct-horse-battery' });
  await elsewhere.inbox.push.subscribe(registration('cai'));
  const photos = [];
  for (let i = 0; i < 2; i++) photos.push((await elsewhere.photos.create({ image: picture() })).id);

  await cai.first.evaluate(() => {
    rt.photos.watch().on(() => {}); // keeps the page connected
    globalThis.stop = rt.inbox.watch().on((state) => (globalThis.inbox = state));
  });
  await cai.first.waitForFunction(() => globalThis.inbox);
  await dan.likes.create({ photo: photos[0] });
  await cai.first.waitForFunction(() => inbox.unread === 1);
  const before = server.answered('GET', '/api/auth/me');
  await cai.first.evaluate(() => rt.auth.me());
  await until('the page is heard', () => server.answered('GET', '/api/auth/me') > before);
  await cai.first.evaluate(() => stop());
  await dan.likes.create({ photo: photos[1] });
  // The first one would have come before it: both wait for as long.
  await until('the second like is pushed', () => pushed.some((push) => push.group === photos[1]));
  assert.deepEqual(
    pushed.map((push) => push.group),
    [photos[1]],
  );
});
