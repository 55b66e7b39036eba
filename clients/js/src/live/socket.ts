// The WebSocket as a transport.

import type { Message } from './message.js';

/** What a transport tells its connection. */
export interface TransportEvents {
  opened(): void;
  message(message: Message): void;
  /** Once, and the last. Codes are those of docs/live.md; 1006 is a cut. */
  closed(code: number, reason: string): void;
}

/** What the client sends; see docs/live.md. */
export interface Request {
  id?: number;
  auth?: string;
  subscribe?: string;
  cursor?: string | undefined;
  unsubscribe?: string;
  ack?: string;
  send?: string;
  data?: unknown;
  ping?: true;
}

/** One connection's worth of sending and receiving. */
export interface Transport {
  send(request: Request): void;
  close(): void;
}

/** A handshake is given up after this time, in milliseconds. */
const handshake = 10_000;

/** Opens a WebSocket at a URL of http or https. The token, if there is one, is its first message. */
export function openSocket(
  Socket: typeof WebSocket,
  url: string,
  token: string | undefined,
  events: TransportEvents,
): Transport {
  const socket = new Socket(url.replace(/^http/, 'ws'));
  let over = false;
  const end = (code: number, reason: string) => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    events.closed(code, reason);
  };
  const timer = setTimeout(() => {
    end(1006, 'no answer to the handshake');
    socket.close();
  }, handshake);
  socket.onopen = () => {
    if (over) return;
    clearTimeout(timer);
    if (token) socket.send(JSON.stringify({ id: 0, auth: token }));
    events.opened();
  };
  socket.onmessage = (e) => {
    if (!over && typeof e.data === 'string') events.message(JSON.parse(e.data));
  };
  socket.onclose = (e) => end(e.code, e.reason);
  socket.onerror = () => {}; // onclose follows and says as much
  return {
    send: (request) => socket.readyState === 1 && socket.send(JSON.stringify(request)),
    close: () => {
      over = true;
      clearTimeout(timer);
      socket.close(1000);
    },
  };
}
