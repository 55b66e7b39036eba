// Every error says which journey it was, as far as that can be known: in Node, and in Chromium from a page of another origin.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createClient, RoundtripError } from '../dist/index.js';
import { launch } from './browser.js';
import { picture } from './people.js';
import { gallery, Server } from './server.js';

/** What a backend of others answers with, and then closes; what is to be cut is held until somebody asks for /broken/now. */
const broken = {
  '/broken/now': 'HTTP/1.1 204 Now\r\nConnection: close\r\n\r\n',
  '/broken/cut': 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"records":[',
  '/broken/words': 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello',
  '/broken/page': 'HTTP/1.1 500 Oh\r\nContent-Type: text/html\r\nContent-Length: 8\r\nConnection: close\r\n\r\n<h1>Oh</',
};

let server;
let backend;
const held = [];
before(async () => {
  backend = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (head) => {
      const path = String(head).split(' ')[1];
      const answer = Object.entries(broken).find(([at]) => path.startsWith(at));
      if (answer[0].endsWith('cut')) {
        socket.write(answer[1]);
        held.push(socket);
      } else socket.end(answer[1]);
      if (answer[0].endsWith('now')) for (const socket of held.splice(0)) socket.resetAndDestroy();
    });
  });
  await new Promise((resolve) => backend.listen(0, '127.0.0.1', resolve));
  const folder = await gallery(process.env.ROUNDTRIP_CERTS);
  const file = join(folder, 'roundtrip.yaml');
  const declared = await readFile(file, 'utf8');
  await writeFile(
    file,
    declared
      .replace(/^.*\bstatic:.*$/m, (line) => `${line}\n      - { path: /broken/, proxy: ['http://127.0.0.1:${backend.address().port}'] }`)
      .replace(/^ {4}cors:\n( {6}.*\n)*/m, "    cors: { origins: ['*'], expose: [ETag] }\n")
      .replace(/^sites:\n/m, 'sites:\n  pages.localhost:\n    routes:\n      - { path: /, static: page }\n'),
  );
  server = await Server.start(undefined, folder);
});
after(async () => {
  await server.close();
  backend.close();
});

const id = /^[0-9a-f]{32}$/;

/** What an error has to be, by what was called. */
const cases = {
  'a refusal of the API': ['/api/', (rt) => rt.comments.create({ text: '' }), { status: 401, journey: id }],
  'a path that no route has': ['/nowhere/', (rt) => rt.comments.list(), { status: 404, journey: id }],
  'a page of another server': ['/broken/page/', (rt) => rt.comments.list(), { status: 500, journey: id }],
  'words that are no JSON': ['/broken/words/', (rt) => rt.comments.list(), { status: 200, detail: /no JSON/, journey: id }],
  'an answer that is cut': ['/broken/cut/', (rt) => rt.comments.list(), { status: 0, code: 'network', detail: /was cut/, journey: id }],
};

/** Fetches, and has the answer cut once its headers are there. */
const cutting = async (url, init) => {
  const response = await fetch(url, init);
  if (String(url).includes('/cut/')) void fetch(new URL('/broken/now', url));
  return response;
};

const matches = (error, want) => {
  for (const [name, value] of Object.entries(want))
    if (value instanceof RegExp) assert.match(error[name], value, name);
    else assert.equal(error[name], value, name);
};

for (const [name, [path, call, want]] of Object.entries(cases))
  test(`in Node: ${name}`, async (t) => {
    const rt = createClient({ url: server.origin + path, retries: 0, fetch: cutting });
    t.after(() => rt.close());
    await assert.rejects(call(rt), (e) => {
      assert.ok(e instanceof RoundtripError, String(e));
      matches(e, want);
      return true;
    });
  });

test('in Node: an upload that is cut', async (t) => {
  const rt = createClient({ url: `${server.origin}/broken/cut/`, retries: 0, fetch: cutting });
  t.after(() => rt.close());
  await assert.rejects(rt.photos.create({ image: picture() }), (e) => id.test(e.journey));
});

test('in Node: without an answer there is no name', async (t) => {
  const rt = createClient({ url: 'https://127.0.0.1:1/api/', retries: 0 });
  t.after(() => rt.close());
  await assert.rejects(rt.comments.list(), (e) => e.code === 'network' && e.journey === '');
});

test('in Chromium: a page of another origin can read it', async (t) => {
  const browser = await launch();
  t.after(() => browser.close());
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(`https://pages.localhost:${server.proxy.port}/`);
  await page.waitForFunction(() => globalThis.loaded);
  for (const [name, [path, call, want]] of Object.entries(cases)) {
    const url = server.origin + path;
    const error = await page.evaluate(
      ([url, call, cutting]) => {
        const rt = createClient({ url, retries: 0, fetch: (0, eval)(cutting) });
        return (0, eval)(call)(rt).then(
          () => ({ code: 'none' }),
          ({ status, code, detail, journey }) => ({ status, code, detail, journey }),
        );
      },
      [url, String(call), String(cutting)],
    );
    assert.doesNotThrow(() => matches(error, want), `${name}: ${JSON.stringify(error)}`);
  }
  const upload = await page.evaluate(async (url) => {
    globalThis.XMLHttpRequest = class extends XMLHttpRequest {
      constructor() {
        super();
        this.addEventListener('readystatechange', () => this.readyState === 2 && fetch(new URL('/broken/now', url)));
      }
    };
    const rt = createClient({ url, retries: 0 });
    const image = new File(['x'], 'x.png', { type: 'image/png' });
    return rt.photos.create({ image }, { onProgress: () => {} }).catch(({ code, journey }) => ({ code, journey }));
  }, `${server.origin}/broken/cut/`);
  assert.equal(upload.code, 'network');
  assert.match(upload.journey, id);
  const dead = await page.evaluate(() =>
    createClient({ url: 'https://localhost:1/api/', retries: 0 }).comments.list().catch(({ code, journey }) => ({ code, journey })),
  );
  assert.deepEqual(dead, { code: 'network', journey: '' });
});
