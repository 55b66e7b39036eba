// Pages that call the gallery over gRPC-Web and Connect: its own, with the cookie; one of the same site; one of another site, with
// a token; and one that may not. The page is built as anybody would: code from the server's descriptors, connect-web, a bundler.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { call, openHouse, password, patience, shoot } from './house.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const binary = process.env.ROUNDTRIP_BIN ?? path.join(here, '../../bin/roundtrip');
const run = promisify(execFile);
const protocols = ['grpc-web', 'connect'];

// Two people and a picture: the whole demo takes longer than all of this.
const demo = `
accounts:
  - { key: ana, password: ${password}, record: { handle: ana, name: Ana Lima } }
  - { key: jonas, password: ${password}, record: { handle: jonas, name: Jonas Lindqvist } }
records:
  - { collection: photos, key: p1, as: ana, record: { image: { picture: 1, width: 320, height: 240 }, caption: A lake } }
`;

let house, page, photo, partner, stranger;
const built = await mkdtemp(path.join(tmpdir(), 'caller-'));
const at = (name) => `https://${name}:${house.server.port}`;
const api = () => `${at('gallery.localhost')}/api`;

// serve is what a front end has while it is written: a server of its own, on plain HTTP.
function serve(name) {
  const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript' };
  const server = http.createServer(async (request, response) => {
    const file = request.url === '/' ? 'index.html' : path.basename(request.url);
    const text = await readFile(path.join(built, file)).catch(() => null);
    response.writeHead(text ? 200 : 404, { 'Content-Type': types[path.extname(file)] ?? 'text/plain' }).end(text);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => {
    resolve({ origin: `http://${name}:${server.address().port}`, close: () => new Promise((done) => { server.close(done); server.closeAllConnections(); }) });
  }));
}

// descriptors are those of the running server.
async function descriptors() {
  const ca = await readFile(path.join(house.folder, 'data/certs/local-ca.crt'));
  const options = { host: '127.0.0.1', port: house.server.port, servername: 'gallery.localhost', ca, path: '/api/descriptors.binpb', headers: { Host: new URL(at('gallery.localhost')).host } };
  return new Promise((resolve, reject) => https.get(options, async (response) => resolve(Buffer.concat(await response.toArray()))).on('error', reject));
}

// build makes the page: generates, checks the types, and bundles.
async function build() {
  await cp(path.join(here, 'caller'), built, { recursive: true });
  await symlink(path.join(here, 'node_modules'), path.join(built, 'node_modules'));
  await writeFile(path.join(built, 'descriptors.binpb'), await descriptors());
  const tools = path.join(here, 'node_modules/.bin');
  const tool = (name, ...args) => run(path.join(tools, name), args, { cwd: built, env: { ...process.env, PATH: `${tools}:${process.env.PATH}` } });
  await tool('buf', 'generate', 'descriptors.binpb', '--path', 'gallery', '--path', 'google/rpc');
  await tool('tsc', '-p', '.');
  await tool('esbuild', 'page.ts', '--bundle', '--format=esm', '--target=es2022', '--outfile=page.js');
  for (const file of ['index.html', 'page.js']) await cp(path.join(built, file), path.join(house.folder, 'caller', file));
}

before(async () => {
  [partner, stranger] = [await serve('partner.localhost'), await serve('stranger.localhost')];
  house = await openHouse({
    prepare: async (folder) => {
      await writeFile(path.join(folder, 'demo.yaml'), demo);
      await mkdir(path.join(folder, 'caller'));
      const file = path.join(folder, 'roundtrip.yaml');
      const declared = await readFile(file, 'utf8');
      await writeFile(file, declared
        .replace('      origins: [', `      origins: ['${partner.origin}', https://app.gallery.test, `)
        .replace('    routes:\n', '    routes:\n      - { path: /caller/, static: caller }\n')
        .replace('sites:\n', 'sites:\n  app.gallery.test: { tls: local, routes: [{ path: /, static: caller }] }\n'));
    },
  });
  await build();
  page = await house.person();
  photo = (await call(page, 'GET', 'photos?page_size=1')).photos[0].id;
});
after(async () => {
  await house?.close();
  await Promise.all([partner?.close(), stranger?.close()]);
  await rm(built, { recursive: true, force: true });
});

// caller opens the page somewhere, in a browser profile of its own, and calls its functions. It keeps what the browser wrote into its
// console.
async function caller(where, options) {
  const page = await house.person();
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  await page.goto(where);
  await page.waitForFunction(() => globalThis.call);
  const ask = (name, ...args) => page.evaluate(({ name, args }) => globalThis.call(name, ...args), { name, args });
  const want = async (name, ...args) => {
    const { ok, error } = await ask(name, ...args);
    assert.equal(error, undefined, `${name}: ${JSON.stringify(error)}\n${said.join('\n')}`);
    return ok;
  };
  const refused = async (name, ...args) => {
    const { ok, error } = await ask(name, ...args);
    assert.ok(error, `${name} was answered: ${JSON.stringify(ok)}`);
    return error;
  };
  await want('open', { api: api(), ...options });
  return { page, want, refused, said, close: () => page.context().close() };
}

// eventually repeats a check until it holds.
async function eventually(check) {
  for (const end = Date.now() + patience; ;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

// journeys are those that the server remembers, as the command has them.
async function journeys(...flags) {
  const { stdout } = await run(binary, ['journeys', '--json', '--number', '1000', ...flags, house.folder], { maxBuffer: 1 << 26 });
  return JSON.parse(stdout).journeys;
}

// preflights is how often browsers asked the server whether a page may call a procedure.
const preflights = async (procedure) => (await journeys('--path', `/api/gallery.v1.${procedure}`)).filter((j) => j.method === 'OPTIONS').length;

for (const over of protocols) {
  test(`${over}: a page of another site, with a token`, async () => {
    const c = await caller(partner.origin, { over });
    const grant = await c.want('signIn', 'jonas', password);
    assert.match(grant.token, /^rt_s_/);
    assert.equal(await c.want('me'), 'jonas');
    const [seen] = await c.want('photos');
    assert.deepEqual(seen, { id: photo, said: 'ana: A lake, 0 likes' });
    await c.page.getByText('ana: A lake, 0 likes').waitFor();
    assert.ok(await preflights('Auth/Me') > 0, 'the browser did not ask before');

    const made = await c.want('like', photo, `once-${over}`);
    assert.match(made.headers['x-journey'], /^[0-9a-f]{32}$/);
    const again = await c.want('like', photo, `once-${over}`);
    assert.equal(again.id, made.id);
    assert.equal(again.headers['idempotency-replayed'], 'true');
    await c.want('unlike', made.id);
    await c.close();
  });

  test(`${over}: an error has its code, reason, fields and journey in a page of another origin`, async () => {
    const c = await caller(partner.origin, { over });
    const closed = await c.refused('like', photo);
    assert.deepEqual([closed.code, closed.reason], ['Unauthenticated', 'auth.missing']);
    await c.want('signIn', 'jonas', password);
    const { id } = await c.want('like', photo);
    const twice = await c.refused('like', photo);
    assert.deepEqual([twice.code, twice.reason, twice.fields.map((f) => f.split(':')[0]).sort()], ['AlreadyExists', 'store.unique', ['photo', 'user']]);
    assert.equal(twice.message, 'Another record of likes has this user and photo already.');
    assert.equal(twice.header, twice.journey);
    assert.match((await run(binary, ['journey', twice.journey, house.folder]).catch((e) => e)).stdout, /ALREADY_EXISTS|already/i);
    const filter = await c.refused('find', 'captoin == "A lake"');
    assert.equal(filter.code, 'InvalidArgument');
    assert.match(filter.message, /did you mean "caption"/);
    await c.want('unlike', id);
    await c.close();
  });

  test(`${over}: a stream shows what comes, and ends where it is left`, async () => {
    const watcher = await caller(partner.origin, { over });
    const liker = await caller(partner.origin, { over });
    await watcher.want('signIn', 'ana', password);
    await liker.want('signIn', 'jonas', password);
    const journey = await watcher.want('watch', photo);
    const { id } = await liker.want('like', photo);
    await watcher.page.getByText('liked by jonas').waitFor();
    if (over === 'grpc-web') await shoot(watcher.page, 'grpc-web-page');
    await liker.want('unlike', id);
    await watcher.page.locator('#likes li').waitFor({ state: 'detached' });
    assert.equal((await watcher.want('stop')).code, 'Canceled');
    // The server has let go of it: its journey is over, and says that the caller left.
    await eventually(async () => {
      const seen = (await journeys('--path', '/api/gallery.v1.Likes/Watch')).find((j) => j.id === journey);
      assert.deepEqual([seen?.code, seen?.hops.at(-1).reason], ['CANCELLED', 'client.aborted']);
    });
    // A deadline of the page's ends a stream, too.
    await watcher.want('watch', photo, 10_000);
    assert.equal((await watcher.want('ended')).code, 'DeadlineExceeded');
    assert.equal((await watcher.want('late', photo)).code, 'Canceled');
    await watcher.close();
    await liker.close();
  });

  test(`${over}: the site’s own page has the cookie, and no token`, async () => {
    const asked = await preflights('');
    const c = await caller(`${at('gallery.localhost')}/caller/`, { over });
    assert.deepEqual(await c.want('signIn', 'jonas', password), { token: '', handle: 'jonas' });
    assert.equal(await c.want('me'), 'jonas');
    const { id } = await c.want('like', photo);
    await c.want('unlike', id);
    await c.want('watch', photo);
    assert.equal((await c.want('stop')).code, 'Canceled');
    assert.equal(await preflights(''), asked);
    await c.want('signOut');
    assert.equal((await c.refused('me')).reason, 'auth.missing');
    await c.close();
  });

  test(`${over}: a page of the same site has the cookie across origins`, async () => {
    const c = await caller(at('app.gallery.localhost'), { over, cookie: true });
    assert.deepEqual(await c.want('signIn', 'jonas', password), { token: '', handle: 'jonas' });
    const { id } = await c.want('like', photo);
    await c.want('unlike', id);
    await c.want('watch', photo);
    assert.equal((await c.want('stop')).code, 'Canceled');
    await c.close();
  });

  test(`${over}: a page of another site gets nothing by a cookie that is there`, async () => {
    const c = await caller(`${at('gallery.localhost')}/caller/`, { over });
    await c.want('signIn', 'jonas', password); // the browser has it now
    await c.page.goto(partner.origin);
    await c.page.waitForFunction(() => globalThis.call);
    await c.want('open', { api: api(), over, cookie: true });
    assert.equal((await c.refused('me')).reason, 'auth.missing');
    assert.equal((await c.refused('like', photo)).reason, 'auth.missing');
    await c.close();
  });
}

test('a page that may not call is told so by its browser, and whoever runs the server by theirs', async () => {
  for (const over of protocols) {
    const c = await caller(stranger.origin, { over });
    const error = await c.refused('signIn', 'ana', password);
    assert.deepEqual([error.code, error.message], ['Unknown', 'Failed to fetch']);
    await eventually(() => assert.match(c.said.join('\n'), /blocked by CORS policy/));
    await c.close();
  }
  const refused = await eventually(async () => {
    const all = await journeys('--reason', 'cors', '--path', '/api/gallery.v1.Auth/SignIn');
    assert.equal(all.length, protocols.length);
    return all;
  });
  for (const j of refused) assert.equal(j.reason, 'cors.origin_not_allowed');
  // `why` names the line, and what stands there once it is mended: then the page may.
  const why = await run(binary, ['why', `${api()}/gallery.v1.Auth/SignIn`, '-d', '{}', '--origin', stranger.origin, '--file', house.folder, '--ca', path.join(house.folder, 'data/certs/local-ca.crt')]).catch((e) => e);
  assert.match(why.stdout.replaceAll(/\s+/g, ' '), /Stopped at preflight: pages of http:\/\/stranger\.localhost:\d+ may not call this site/, why.stderr);
  const file = path.join(house.folder, 'roundtrip.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replace('      origins: [', `      origins: ['${stranger.origin}', `));
  const c = await caller(stranger.origin, { over: 'grpc-web' });
  await eventually(() => c.want('signIn', 'ana', password));
  assert.equal(await c.want('me'), 'ana');
  await c.close();
});
