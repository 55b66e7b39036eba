// Server-sent events: what the console pushes, and what a POST answers step by step.
import { useEffect, useRef, useState } from 'react';
import { request, stillIn } from './client';

export type Wire = 'connecting' | 'open' | 'broken';

const againAfter = 3000; // ms, where the browser itself gave up

// useLive listens to a stream of events while the page is mounted and in sight; null listens to nothing. A page that nobody
// sees gives its connection back: over HTTP/1.1 a browser has six for all tabs of the console, and a seventh tab would wait
// for ever. Whoever comes back says what was seen last, so that nothing is lost.
export function useLive(path: string | null, hear: Record<string, (data: unknown) => void>): Wire {
  const [wire, setWire] = useState<Wire>('connecting');
  const latest = useRef(hear);
  latest.current = hear;
  const names = Object.keys(hear).sort().join();
  useEffect(() => {
    if (path === null) return;
    setWire('connecting');
    let source: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let seen = '';
    const close = () => {
      clearTimeout(timer);
      source?.close();
      source = undefined;
    };
    const open = () => {
      close();
      const mine = new EventSource(seen ? `${path}${path.includes('?') ? '&' : '?'}after=${encodeURIComponent(seen)}` : path);
      source = mine;
      mine.onopen = () => setWire('open');
      mine.onerror = () => {
        if (mine.readyState !== EventSource.CLOSED) return setWire('connecting');
        setWire('broken'); // the answer was no stream: perhaps nobody is signed in any more
        timer = setTimeout(() => void stillIn().then((yes) => yes && source === mine && open()), againAfter);
      };
      for (const name of new Set(['open', ...names.split(',')])) {
        mine.addEventListener(name, (event) => {
          if (!(event instanceof MessageEvent)) return;
          seen = event.lastEventId || seen;
          latest.current[name]?.(JSON.parse(event.data as string));
        });
      }
    };
    const look = () => (document.hidden ? close() : source ?? open());
    look();
    document.addEventListener('visibilitychange', look);
    return () => {
      document.removeEventListener('visibilitychange', look);
      close();
    };
  }, [path, names]);
  return wire;
}

export interface ServerEvent {
  event: string;
  data: unknown;
}

// postEvents sends a POST and yields the events of its answer as they come.
export async function* postEvents(path: string, body: unknown, signal: AbortSignal): AsyncGenerator<ServerEvent> {
  const answer = await request('POST', path, body, { signal, headers: { Accept: 'text/event-stream' } });
  if (!answer.body) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    rest += (value ?? '').replaceAll('\r\n', '\n');
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    if (done && rest.trim()) blocks.push(rest);
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event) yield event;
    }
    if (done) return;
  }
}

// parseEvent reads one block of lines; a comment, such as a heartbeat, is none.
function parseEvent(block: string): ServerEvent | undefined {
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    if (line.startsWith('event:')) event = line.slice(6).trim();
    if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
  }
  return data.length ? { event, data: JSON.parse(data.join('\n')) as unknown } : undefined;
}
