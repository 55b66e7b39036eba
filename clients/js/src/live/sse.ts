// Server-sent events as a transport, read with fetch: it can send a token, it works in Node, and one reader fits both.

import type { Http } from '../http.js';
import type { Message } from './message.js';
import type { Request, Transport, TransportEvents } from './socket.js';

/** Topics that are subscribed within this time share one stream, in milliseconds. */
const gather = 10;

interface Wish {
  id: number | undefined;
  topic: string;
  cursor: string | undefined;
}

interface Stream {
  /** With the number of the subscription, until it has been answered. */
  topics: Map<string, number | undefined>;
  stop: AbortController;
}

/**
 * Opens streams as they are needed. A stream's cursor is that of all its topics, so those that start without one have a
 * stream of their own, and those with cursors share one from the least.
 */
export function openStreams(http: Http, events: TransportEvents): Transport {
  let wishes: Wish[] = [];
  let over = false;
  let opened = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const streams = new Set<Stream>();

  const close = () => {
    over = true;
    clearTimeout(timer);
    for (const stream of streams) stream.stop.abort();
  };
  const end = (code: number, reason: string) => {
    if (over) return;
    close();
    events.closed(code, reason);
  };
  // One topic that is refused is refused alone; everything else is about the connection.
  const refused = (stream: Stream, status: number, problem: { journey: string; reason?: string; detail?: string }) => {
    const { reason = '', detail = `status ${status}` } = problem;
    if (reason === 'auth.expired' || reason === 'auth.invalid') return end(4401, detail);
    if (reason === 'auth.csrf_rejected' || reason.startsWith('cors.')) return end(4403, detail);
    if (status === 429) return end(4429, detail);
    const [[topic, id] = []] = stream.topics;
    if (topic === undefined || stream.topics.size > 1 || status < 400 || status >= 500) return end(1006, detail);
    stream.stop.abort();
    events.message({ topic, error: { status, ...problem }, ...(id === undefined ? {} : { id }) });
  };
  const open = async (topics: Wish[], cursor: string | undefined) => {
    const stream: Stream = {
      topics: new Map(topics.map((wish) => [wish.topic, wish.id])),
      stop: new AbortController(),
    };
    streams.add(stream);
    const query = new URLSearchParams(topics.map((wish) => ['topic', wish.topic]));
    if (cursor) query.set('cursor', cursor);
    try {
      const response = await http.fetch(http.url('live', query), {
        headers: { Accept: 'text/event-stream', ...http.authorization() },
        credentials: http.credentials,
        cache: 'no-store',
        signal: stream.stop.signal,
      });
      if (!response.ok || !response.body)
        return refused(stream, response.status, {
          journey: response.headers.get('X-Journey') ?? '',
          ...(await response.json().catch(() => ({}))),
        });
      await read(response.body, (message) => {
        if (over) return;
        const { topic, head } = message;
        if (head !== undefined) {
          // It is about the topics of this stream alone, as far as they have been answered.
          for (const [topic, id] of stream.topics)
            if (id === undefined) events.message({ topic, changes: [], cursor: head });
          return;
        }
        if (topic === undefined) return events.message(message);
        if (!stream.topics.has(topic)) return;
        const id = stream.topics.get(topic); // the first message of a topic answers its subscription
        stream.topics.set(topic, undefined);
        events.message(id === undefined ? message : { ...message, id });
      });
    } catch {
      // a cut, or stopped from here
    } finally {
      streams.delete(stream);
    }
    if (!stream.stop.signal.aborted) end(1006, 'the stream ended');
  };
  const flush = () => {
    const all = wishes;
    wishes = [];
    const groups = new Map<string, Wish[]>(); // by the cursor's epoch
    for (const wish of all) {
      const epoch = wish.cursor?.split('-')[0] ?? '';
      groups.set(epoch, [...(groups.get(epoch) ?? []), wish]);
    }
    for (const topics of groups.values()) void open(topics, least(topics.map((wish) => wish.cursor)));
  };

  queueMicrotask(() => {
    if (over || opened) return;
    opened = true;
    events.opened(); // there is nothing to wait for: the first stream is what connects
  });
  return {
    close,
    send: (request: Request) => {
      if (request.subscribe !== undefined) {
        wishes.push({ id: request.id, topic: request.subscribe, cursor: request.cursor });
        clearTimeout(timer);
        timer = setTimeout(flush, gather);
      } else if (request.unsubscribe !== undefined) {
        wishes = wishes.filter((wish) => wish.topic !== request.unsubscribe);
        for (const stream of streams)
          if (stream.topics.delete(request.unsubscribe) && stream.topics.size === 0) stream.stop.abort();
      } else if (request.send !== undefined && request.id !== undefined) {
        const error = {
          code: 'unimplemented',
          detail: 'Sending on a channel needs a WebSocket; this connection is server-sent events.',
        };
        events.message({ id: request.id, error });
      } else if (request.ping) {
        end(4101, 'streams are opened anew in place of a ping');
      }
    },
  };
}

function least(cursors: (string | undefined)[]): string | undefined {
  const position = (cursor: string) => Number(cursor.slice(cursor.indexOf('-') + 1));
  return cursors.reduce((a, b) => (a && b && position(b) < position(a) ? b : a), cursors[0]);
}

/** Reads the events of a stream (WHATWG HTML, 9.2.6), as far as this server writes them: data in one line or several. */
async function read(body: ReadableStream<Uint8Array>, take: (message: Message) => void): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  let data = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split(/\r\n|\n/);
    rest = lines.pop()!;
    for (const line of lines) {
      if (line === '' && data) {
        take(JSON.parse(data));
        data = '';
      } else if (line.startsWith('data:')) {
        data += (data && '\n') + line.slice(line[5] === ' ' ? 6 : 5);
      }
    }
  }
}
