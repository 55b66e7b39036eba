// Runs the real program for tests, on free ports, with the gallery's declaration.

import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../../', import.meta.url));
export const binary = process.env.ROUNDTRIP_BIN ?? join(root, 'bin/roundtrip');

/** Makes a folder with the gallery as https://localhost. Pages of the tests are served below /. */
export async function gallery(certs) {
  const folder = await mkdtemp(join(tmpdir(), 'roundtrip-client-'));
  const declared = await readFile(join(root, 'examples/gallery/roundtrip.yaml'), 'utf8');
  const here = declared
    .replaceAll('gallery.test', 'localhost')
    .replace(/^.*\bstatic:.*$/m, '      - { path: /, static: page }');
  await writeFile(join(folder, 'roundtrip.yaml'), here);
  await cp(new URL('page', import.meta.url), join(folder, 'page'), { recursive: true });
  await cp(new URL('../dist', import.meta.url), join(folder, 'page/client'), { recursive: true });
  await mkdir(join(folder, 'data'));
  if (certs) await cp(certs, join(folder, 'data/certs'), { recursive: true });
  return folder;
}

/** One server, and the proxy in front of it that can cut its connections. */
export class Server {
  /** Starts one on a folder of its own. The end of the test stops it. */
  static async start(t, folder) {
    const server = new Server(folder ?? (await gallery(process.env.ROUNDTRIP_CERTS)));
    t?.after(() => server.close());
    await server.run();
    await server.proxy.listen();
    return server;
  }

  constructor(folder) {
    this.folder = folder;
    this.log = '';
    this.proxy = new Proxy(() => this.port);
  }

  get origin() {
    return `https://localhost:${this.proxy.port}`;
  }

  get url() {
    return `${this.origin}/api/`;
  }

  async run() {
    this.process = spawn(binary, ['serve', '--https', '127.0.0.1:0', '--http', '127.0.0.1:0', '--dns', '127.0.0.1:0', this.folder], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.asked = false;
    this.ended = new Promise((resolve) => this.process.on('exit', (code, signal) => resolve(code ?? signal)));
    void this.ended.then(
      (code) => this.asked || console.error(`the server ended by itself with ${code}:\n${this.log.slice(-20_000)}`),
    );
    this.port = await new Promise((resolve, reject) => {
      createInterface(this.process.stderr).on('line', (line) => {
        this.log += line + '\n';
        const said = line.startsWith('{') ? JSON.parse(line) : {};
        if (said.msg === 'ready') resolve(Number(said.https.split(':').at(-1)));
      });
      this.ended.then((code) => reject(new Error(`the server ended with ${code}:\n${this.log}`)));
    });
  }

  /** How often a request was answered, by the server's own log. */
  answered(method, path) {
    const lines = this.log.split('\n').filter((line) => line.includes('"msg":"request"'));
    return lines.map((line) => JSON.parse(line)).filter((r) => r.method === method && r.path === path && r.status < 300)
      .length;
  }

  /** Ends the process: with SIGTERM as an operator would, or with SIGKILL as a power cut. */
  async stop(signal = 'SIGTERM') {
    this.asked = true;
    this.process.kill(signal);
    await this.ended;
  }

  async close() {
    await this.proxy.close();
    await this.stop();
    await rm(this.folder, { recursive: true });
  }
}

/** A TCP proxy whose connections can be cut, and which can refuse new ones. */
export class Proxy {
  constructor(target) {
    this.open = true;
    this.accepted = 0;
    /** Cut the connection of the next request when the server answers it; the client gets nothing of that answer. */
    this.cutAnswer = false;
    this.pairs = new Set();
    this.server = createServer((near) => {
      if (!this.open) return near.destroy();
      this.accepted++;
      const far = connect(target(), '127.0.0.1');
      const pair = [near, far];
      this.pairs.add(pair);
      const end = () => {
        near.destroy();
        far.destroy();
        this.pairs.delete(pair);
      };
      for (const socket of pair) socket.on('error', end).on('close', end);
      near.pipe(far);
      far.on('data', (bytes) => {
        if (pair.cut) return end();
        pair.spoken = true;
        near.write(bytes);
      });
      // Connections that are opened in reserve shake hands at any time: a hello comes before the server has spoken, and what
      // ends a handshake is shorter than any request.
      near.on('data', (bytes) => {
        if (!this.cutAnswer || !pair.spoken || bytes.length < 200) return;
        this.cutAnswer = false;
        pair.cut = true;
      });
    });
  }

  listen() {
    return new Promise((resolve) =>
      this.server.listen(0, '127.0.0.1', () => {
        this.port = this.server.address().port;
        resolve();
      }),
    );
  }

  /** Cuts every connection, in the middle of whatever it carries. */
  cut() {
    for (const [near] of [...this.pairs]) near.destroy();
  }

  close() {
    this.open = false;
    this.cut();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
