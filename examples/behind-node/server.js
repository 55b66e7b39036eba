// One process of the application. It knows nothing of TLS, of other processes or of who is in front of it: NAME says what it
// is called on the page, PORT where it listens, on loopback only.
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import Fastify from 'fastify';
import websocket from '@fastify/websocket';

const name = process.env.NAME ?? 'amber';
const port = Number(process.env.PORT ?? 4101);
const who = { name, pid: process.pid };
const app = Fastify({
  trustProxy: '127.0.0.1', // Roundtrip says who the client is; nobody else can reach this port
  forceCloseConnections: true, // event streams would keep the process from stopping
});
let answered = 0;

app.addHook('onRequest', async (_request, reply) => {
  answered += 1;
  reply.header('X-Answered-By', name);
});

// Roundtrip asks this every two seconds. A process that is stopping says so before it stops.
let stopping = false;
app.get('/healthz', async (_request, reply) => (stopping ? reply.code(503).send({ ok: false }) : { ok: true }));

app.get('/api/whoami', async (request) => ({
  ...who, answered, client: request.ip, protocol: request.protocol, host: request.host, journey: request.headers['x-request-id'],
}));

// Server-sent events: one each second, with an id, so that a browser that connects again says where it was.
app.get('/api/clock', (request, reply) => {
  reply.hijack();
  let id = Number(request.headers['last-event-id'] ?? 0);
  reply.raw.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Answered-By': name });
  const tick = () => reply.raw.write(`id: ${++id}\ndata: ${JSON.stringify({ ...who, time: new Date().toISOString() })}\n\n`);
  tick();
  const timer = setInterval(tick, 1000);
  reply.raw.on('close', () => clearInterval(timer));
});

// A WebSocket that repeats what it hears.
await app.register(websocket, { options: { maxPayload: 64 * 1024 } });
app.get('/api/echo', { websocket: true }, (socket) => {
  socket.send(JSON.stringify({ ...who, text: 'connected' }));
  socket.on('message', (data) => socket.send(JSON.stringify({ ...who, text: data.toString() })));
});

// An upload is hashed as it comes and kept nowhere, so its size costs no memory.
app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
app.post('/api/upload', { bodyLimit: 1024 ** 3 }, async (request) => {
  const hash = createHash('sha256');
  let bytes = 0;
  await pipeline(request.body, async function* (source) {
    for await (const piece of source) {
      bytes += piece.length;
      hash.update(piece);
    }
  });
  return { ...who, bytes, sha256: hash.digest('hex') };
});

// A download of as many bytes as asked for, which are the same each time.
app.get('/api/download', (request, reply) => {
  const bytes = Math.min(Number(request.query.bytes ?? 1e6), 1e9);
  const block = Buffer.alloc(64 * 1024, Uint8Array.from({ length: 251 }, (_, i) => i));
  reply.header('Content-Length', bytes).type('application/octet-stream');
  return reply.send(ReadableStream.from((function* () {
    for (let left = bytes; left > 0; left -= block.length) yield left < block.length ? block.subarray(0, left) : block;
  })()));
});

process.on('SIGTERM', async () => {
  stopping = true;
  await app.close();
});
await app.listen({ host: '127.0.0.1', port });
console.log(`${name} listens on ${port} as process ${process.pid}`);
