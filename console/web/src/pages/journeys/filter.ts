// The filter of the list: it stands in the address, so that a view of the list can be sent to somebody.
import type { Journey, Kind } from '../../api/types';
import { query } from '../../api/client';
import { kinds as allKinds, titleOf } from '../../path/titles';

export interface Filter {
  kinds: Kind[];
  kept: string[];
  reason: string;
  text: string; // what is typed: see parse
}

const usual: Kind[] = ['request', 'drop', 'push'];

export const outcomes: { value: string; word: string; hint: string }[] = [
  { value: 'deny', word: 'Refused', hint: 'something said no on purpose' },
  { value: 'error', word: 'Failed', hint: 'something could not do what it should' },
  { value: 'slow', word: 'Slow', hint: 'slower than 99 of 100 of their route' },
  { value: 'wait', word: 'Waited', hint: 'had to wait, or a rule that is tried out would have refused it' },
  { value: 'probe', word: 'Probes', hint: 'made by why' },
  { value: 'pinned', word: 'Pinned', hint: 'somebody wants them kept' },
];

// ordinary are the kinds where none is chosen: with an outcome it is looked for wherever it happened.
export function ordinary(kept: string[]): Kind[] {
  return kept.length ? allKinds.map((k) => k.value) : usual;
}

export function filterOf(search: URLSearchParams): Filter {
  const words = (name: string) => (search.get(name) ?? '').split(',').filter(Boolean);
  const some = words('kinds').filter((w): w is Kind => allKinds.some((k) => k.value === w));
  const kept = words('kept');
  return { kinds: some.length ? some : ordinary(kept), kept, reason: search.get('reason') ?? '', text: search.get('q') ?? '' };
}

// addressOf is where the list stands with this filter, or the detail of one journey beside it.
export function addressOf(f: Filter, id = ''): string {
  const kinds = f.kinds.join() === ordinary(f.kept).join() ? '' : f.kinds.join();
  return `/journeys${id && `/${id}`}${query({ kinds, kept: f.kept.join(), reason: f.reason, q: f.text })}`;
}

// Parsed is what is typed, in the server's words; the rest is looked for in what the list shows.
interface Parsed {
  status?: string;
  host?: string;
  route?: string;
  path?: string;
  rest: string;
}

// parse reads 404, 4xx, PERMISSION_DENIED, status:OK, host:NAME, route:TEMPLATE, /path; anything else is text.
export function parse(text: string): Parsed {
  const parsed: Parsed = { rest: '' };
  const rest: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const [, key, value] = /^(host|route|status):(.+)$/.exec(word) ?? [];
    if (key) parsed[key as 'host' | 'route' | 'status'] = value!;
    else if (/^([1-5](\d\d|xx)|[A-Z]+(_[A-Z]+)+)$/.test(word)) parsed.status = word;
    else if (word.startsWith('/')) parsed.path = word;
    else rest.push(word.toLowerCase());
  }
  if (parsed.status) parsed.status = parsed.status.replace(/xx$/, '');
  return { ...parsed, rest: rest.join(' ') };
}

// questionOf is the filter as the API's query string.
export function questionOf(f: Filter, more: Record<string, string | number> = {}): string {
  const { status, host, route, path } = parse(f.text);
  return query({ kinds: f.kinds.join(), kept: f.kept.join(), reason: f.reason, status, host, route, path, ...more });
}

// shows says whether the list shows a journey with this text.
export function shows(j: Journey, rest: string): boolean {
  if (!rest) return true;
  const { verb, what } = titleOf(j);
  const all = [verb, what, j.host, j.route, j.reason, j.flag, j.sentence, j.id, j.client, j.status, j.code].join(' ').toLowerCase();
  return rest.split(' ').every((w) => all.includes(w));
}
