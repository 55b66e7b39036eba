// Server-sent events: what the console pushes, and what a POST answers step by step.
import { useEffect, useRef, useState } from 'react';
import { request } from './client';

export type Wire = 'connecting' | 'open' | 'broken';

// useLive listens to a stream of events while the page is mounted; null listens to nothing. The browser comes back by
// itself after a break, and says what it saw last, so that nothing is lost.
export function useLive(path: string | null, hear: Record<string, (data: unknown) => void>): Wire {
  const [wire, setWire] = useState<Wire>('connecting');
  const latest = useRef(hear);
  latest.current = hear;
  const names = Object.keys(hear).sort().join();
  useEffect(() => {
    if (path === null) return;
    setWire('connecting');
    const source = new EventSource(path);
    source.onopen = () => setWire('open');
    source.onerror = () => setWire(source.readyState === EventSource.CLOSED ? 'broken' : 'connecting');
    for (const name of names.split(',')) {
      source.addEventListener(name, (event) => latest.current[name]?.(JSON.parse((event as MessageEvent<string>).data)));
    }
    return () => source.close();
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
