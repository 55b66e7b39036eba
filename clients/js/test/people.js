// What the tests need of the world: people, pictures, and patience.

import { deflateSync } from 'node:zlib';
import { createClient } from '../dist/index.js';

export const password = 'correct-horse-battery';

/** Signs somebody up and gives their client. */
export async function person(t, server, handle, options = {}) {
  const rt = createClient({ url: server.url, ...options });
  t.after(() => rt.close());
  await rt.auth.signUp({ handle, password });
  return rt;
}

/** Resolves when the condition holds; it is asked after each turn of the event loop. */
export async function until(what, condition) {
  const end = Date.now() + 60_000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`this never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Resolves with the first state of a feed for which the condition holds. */
export function stateOf(feed, what, condition) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => end(reject, new Error(`this never came: ${what}; last was ${JSON.stringify(feed.state)}`)),
      60_000,
    );
    let stop;
    let over = false;
    const end = (settle, value) => {
      over = true;
      clearTimeout(timer);
      stop?.();
      settle(value);
    };
    stop = feed.on(
      (state) => !over && condition(state) && end(resolve, state),
      (error) => !over && end(reject, error),
    );
    if (over) stop();
  });
}

/** A picture of noise, so that its bytes can't be packed: about 3 × width × height bytes. */
export function picture(width = 8, height = 8) {
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let i = 0, x = 1; i < rows.length; i++) {
    x = (x * 1103515245 + 12345) & 0x7fffffff;
    rows[i] = i % (width * 3 + 1) === 0 ? 0 : x >> 16;
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const png = [
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ];
  return new File([Buffer.concat(png)], 'noise.png', { type: 'image/png' });
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  out.set(body, 4);
  out.writeUInt32BE(crc(body), body.length + 4);
  return out;
}

function crc(bytes) {
  let c = ~0;
  for (const b of bytes) {
    c ^= b;
    for (let i = 0; i < 8; i++) c = (c >>> 1) ^ (c & 1 ? 0xedb88320 : 0);
  }
  return ~c >>> 0;
}
