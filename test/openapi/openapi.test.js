// The OpenAPI document in the hands of others: redocly reads it, openapi-typescript makes types of it, a program that is written
// against those runs with the real server, and a mistake in one does not compile. Postman's own library reads the collection.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import postman from 'postman-collection';

const here = fileURLToPath(new URL('.', import.meta.url));
const binary = process.env.ROUNDTRIP_BIN ?? path.join(here, '../../bin/roundtrip');
const run = promisify(execFile);
const tool = (name, ...args) => run(path.join(here, 'node_modules/.bin', name), args, { cwd: here, env: { ...process.env, REDOCLY_TELEMETRY: 'off' } });
const freePort = () => new Promise((resolve) => {
  const server = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

let folder;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'roundtrip-openapi-'));
  await cp(path.join(here, 'roundtrip.yaml'), path.join(folder, 'roundtrip.yaml'));
  await mkdir(path.join(here, 'made'), { recursive: true });
  const { stdout } = await run(binary, ['export', 'openapi', folder]);
  await writeFile(path.join(here, 'made/openapi.json'), stdout);
});
after(async () => {
  await rm(folder, { recursive: true });
  await rm(path.join(here, 'made'), { recursive: true });
});

test('redocly finds no mistake in the gallery', async () => {
  // The address of `roundtrip dev`, which stands first where a site is a .test name, is one that redocly warns of.
  const { stdout } = await run(binary, ['export', 'openapi', '--server', 'https://gallery.test', path.join(here, '../../examples/gallery')], { maxBuffer: 1 << 24 });
  await writeFile(path.join(here, 'made/gallery.json'), stdout);
  const linted = await tool('redocly', 'lint', 'made/gallery.json', '--extends', 'recommended', '--format', 'json');
  const found = JSON.parse(linted.stdout.slice(linted.stdout.indexOf('{')));
  // A declaration has no licence; that is its one warning.
  assert.deepEqual(found.problems.map((p) => p.ruleId), ['info-license']);
});

test('a typed program runs with the real server', { timeout: 120_000 }, async () => {
  await tool('openapi-typescript', 'made/openapi.json', '-o', 'made/api.d.ts');
  await tool('tsc', '-p', '.');
  const [https, http, dns] = [await freePort(), await freePort(), await freePort()];
  const server = spawn(binary, ['dev', folder, '--https', `127.0.0.1:${https}`, '--http', `127.0.0.1:${http}`, '--dns', `127.0.0.1:${dns}`]);
  const ended = new Promise((resolve) => server.on('exit', resolve));
  try {
    await new Promise((resolve, reject) => {
      let log = '';
      const hear = (text) => {
        log += text;
        if (/ready after/.test(log)) resolve();
      };
      server.stdout.on('data', hear);
      server.stderr.on('data', hear);
      ended.then(() => reject(new Error(log)));
    });
    const { stdout } = await run(process.execPath, ['--import', './names.js', 'made/js/program.js'], {
      cwd: here,
      env: { ...process.env, API: `https://pinboard.localhost:${https}/api`, NODE_EXTRA_CA_CERTS: path.join(folder, 'data/certs/local-ca.crt') },
    });
    assert.deepEqual(JSON.parse(stdout), {
      colour: 'red', author: 'ana', total: 1, stars: 2, text: 'second', late: 'store.stale', status: 412, wrong: ['/text required'],
    });
  } finally {
    server.kill();
    await ended;
  }
});

test('a mistake does not compile', async () => {
  const program = await readFile(path.join(here, 'program.ts'), 'utf8');
  for (const [good, bad, says] of [
    [`text: 'first', colour: 'red'`, `txt: 'first', colour: 'red'`, /'txt' does not exist/],
    [`text: 'first', colour: 'red'`, `text: 'first', colour: 'blue'`, /"blue"/],
    [`expand: ['author']`, `expand: ['autor']`, /"autor"/],
    [`late.error`, `late.data`, /is not assignable to type/],
    [`body: { text: 'third' }`, `body: { text: 3 }`, /'number' is not assignable to type 'string'/],
  ]) {
    assert.ok(program.includes(good), good);
    await writeFile(path.join(here, 'made/wrong.ts'), program.replaceAll(good, bad).replaceAll('./made/', './'));
    await writeFile(path.join(here, 'made/tsconfig.json'), '{"extends":"../tsconfig.json","compilerOptions":{"noEmit":true,"rootDir":".."},"files":["wrong.ts"]}');
    const failed = await tool('tsc', '-p', 'made').then(() => assert.fail(`${bad} compiled`), (error) => error);
    assert.match(String(failed.stdout ?? failed), says);
  }
});

test('Postman reads the collection', async () => {
  const { stdout } = await run(binary, ['export', 'postman', path.join(here, '../../examples/gallery')], { maxBuffer: 1 << 24 });
  const collection = new postman.Collection(JSON.parse(stdout));
  const requests = [];
  collection.forEachItem((item) => requests.push(`${item.request.method} ${item.request.url.getPath()}`));
  assert.ok(requests.includes('PATCH /photos/:id') && requests.includes('POST /auth/sign-in'), requests.join('\n'));
  assert.equal(collection.variables.get('baseUrl'), 'https://gallery.localhost:8443/api');
  const create = collection.items.all().find((folder) => folder.name === 'photos').items.all().find((item) => item.request.method === 'POST');
  assert.equal(create.request.body.mode, 'formdata');
});
