// Runs the tests: node test/run.js [FILE…]. All servers share one certificate authority, which Node has to know at its start.

import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gallery, Server } from './server.js';

const certs = await mkdtemp(join(tmpdir(), 'roundtrip-certs-'));
const first = new Server(await gallery());
await first.run();
await cp(join(first.folder, 'data/certs'), certs, { recursive: true });
await first.stop();
await rm(first.folder, { recursive: true });

const here = fileURLToPath(new URL('.', import.meta.url));
const all = (await readdir(here)).filter((name) => name.endsWith('.test.js')).map((name) => join(here, name));
const files = process.argv.length > 2 ? process.argv.slice(2) : all;
const env = {
  ...process.env,
  NODE_OPTIONS: '--experimental-websocket',
  ROUNDTRIP_CERTS: certs,
  NODE_EXTRA_CA_CERTS: join(certs, 'local-ca.crt'),
};
const tests = spawn(process.execPath, ['--test', '--test-concurrency=1', ...files], { env, stdio: 'inherit' });
process.exitCode = await new Promise((resolve) => tests.on('exit', resolve));
await rm(certs, { recursive: true });
