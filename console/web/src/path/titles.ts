// What a journey is called.
import type { Journey, Kind } from '../api/types';

export const kinds: { value: Kind; word: string; one: string }[] = [
  { value: 'request', word: 'Requests', one: 'Request' },
  { value: 'connection', word: 'Connections', one: 'Connection' },
  { value: 'query', word: 'DNS', one: 'DNS query' },
  { value: 'drop', word: 'Drops', one: 'Drop' },
  { value: 'event', word: 'Events', one: 'Event' },
  { value: 'push', word: 'Pushes', one: 'Push' },
  { value: 'report', word: 'Reports', one: 'Report of a browser' },
];

export const kindWord = (k: Kind): string => kinds.find((x) => x.value === k)?.one ?? k;

// layerWord is a layer's name as it is written in a sentence.
export const layerWord = (layer: string): string => (/^(dns|tcp|tls|cors|sql)$/.test(layer) ? layer.toUpperCase() : `the ${layer}`);

const rcodes = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

// statusWord is what a journey was answered with: the status of HTTP, the code of a call that ended badly (its status is mostly 200), or the name that DNS has for its own (RFC 1035 4.1.1).
export function statusWord(j: Journey): string {
  if (j.kind === 'query') return j.outcome === 'open' ? '' : rcodes[j.status ?? 0] ?? `RCODE ${j.status}`;
  if (j.code && j.code !== 'OK') return j.code;
  return j.status ? String(j.status) : '';
}

// titleOf is a short name for a journey: its method and path, or what its kind has instead of them.
export function titleOf(j: Journey): { verb: string; what: string } {
  const name = j.hops.find((h) => h.name)?.name ?? '';
  switch (j.kind) {
    case 'request': return { verb: j.method ?? '', what: j.path ?? '' };
    case 'connection': return { verb: 'connection', what: j.host || j.proto || name };
    case 'query': return { verb: j.method || 'query', what: j.host || j.path || name };
    default: return { verb: j.method || j.kind, what: j.path || j.host || j.route || name };
  }
}
