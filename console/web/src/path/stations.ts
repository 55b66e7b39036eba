// The ten stations of the path, in the order in which a request meets them, for people who want to learn what each is for.
import type { Hop, Journey } from '../api/types';
import { refused } from '../parts';

export interface Place {
  id: string;
  title: string;
  short: string; // where there is little room
  layers: string[]; // of trace.Layer
  does: string; // what happens here
  exists: string; // why does this exist?
}

export const places: Place[] = [
  {
    id: 'dns', title: 'Name', short: 'Name', layers: ['dns'],
    does: 'The name in the address becomes a number that machines can call.',
    exists: 'People remember names, the network knows numbers. And a server may move to another number while its name stays. Answers are remembered on the way for a while, which is why a change takes time to arrive.',
  },
  {
    id: 'firewall', title: 'Firewall', short: 'Firewall', layers: ['firewall'],
    does: 'Rules decide whether this machine may connect to this port at all.',
    exists: 'Most of what knocks at a server has no business there. What is turned away here costs almost nothing, and reaches no program that could have a weakness.',
  },
  {
    id: 'tls', title: 'Connection', short: 'TLS', layers: ['tcp', 'tls'],
    does: 'Both sides open a connection, the server proves its name with a certificate, and both agree on a secret key.',
    exists: 'Between you and the server lie machines of strangers. Encryption keeps them from reading or changing anything, and the certificate keeps them from posing as the server.',
  },
  {
    id: 'cors', title: 'Origin', short: 'CORS', layers: ['cors'],
    does: 'If a page of another site asks, the server says whether such pages may read the answer.',
    exists: 'Your browser sends your cookies along. Without this rule, any page that you visit could read your mail. A program such as curl has no page, so that for it the rule means nothing.',
  },
  {
    id: 'route', title: 'Route', short: 'Route', layers: ['route', 'limit', 'static', 'proxy', 'app'],
    does: 'Host, path and method decide which part of the declaration answers: the API, files, or another program.',
    exists: 'One server carries many sites and many parts of each. Limits stand here too, so that one caller can’t take everything for itself.',
  },
  {
    id: 'auth', title: 'Who', short: 'Who', layers: ['auth'],
    does: 'A cookie or token says who is asking, and the server checks it.',
    exists: 'Each request stands for itself: the protocol remembers nobody. So each one must bring along proof of who sends it.',
  },
  {
    id: 'access', title: 'May they', short: 'Access', layers: ['access'],
    does: 'The rules of the collection decide whether this person may do this to this record.',
    exists: 'To be known is not to be allowed. What nobody wrote a rule for is refused, so that something forgotten stays shut.',
  },
  {
    id: 'schema', title: 'Well formed', short: 'Schema', layers: ['schema'],
    does: 'Every field is checked: its type, its length, whether it must be there.',
    exists: 'What is stored once is read for years. A wrong value is cheap to refuse now and dear to find later.',
  },
  {
    id: 'store', title: 'Store', short: 'Store', layers: ['pool', 'sql', 'commit', 'files'],
    does: 'A connection to the database is lent out, statements run in one transaction, and the commit makes them last.',
    exists: 'All or nothing: if the power fails in the middle, no half change is left. The connections are few, since each costs the database much; who waits for one is seen here.',
  },
  {
    id: 'stream', title: 'Outward', short: 'Outward', layers: ['stream', 'webhook', 'push', 'mail', 'client'],
    does: 'After the commit, the change travels on to those who watch: open pages, other programs, devices.',
    exists: 'Nothing leaves before it is certain. So nobody hears of a change that was then taken back.',
  },
];

export const placeOf = (layer: string): number => places.findIndex((p) => p.layers.includes(layer));

// Passage is what a journey met at one of the ten.
export interface Passage {
  place: Place;
  hops: Hop[];
  verdict: string; // the gravest of the hops; "not reached" behind the one that decided; "skip" where nothing was to do
  decided: boolean;
}

const gravity = ['error', 'timeout', 'deny', 'shadow', 'wait', 'open', 'ok', 'cached', 'skip'];

// passages lays a journey's hops out along the path.
export function passages(j: Journey): Passage[] {
  const decider = j.hops[j.decided];
  const stop = decider ? placeOf(decider.layer) : -1;
  return places.map((place, i) => {
    const hops = j.hops.filter((h) => place.layers.includes(h.layer));
    const gravest = hops.map((h) => h.verdict as string).sort((a, b) => gravity.indexOf(a) - gravity.indexOf(b))[0];
    const behind = stop >= 0 && refused(j.outcome) && i > stop;
    return { place, hops, decided: i === stop, verdict: gravest ?? (behind ? 'not reached' : 'skip') };
  });
}

// whatHappened says in a sentence or two what a journey met at a station.
export function whatHappened({ place, hops, verdict }: Passage, j: Journey): string[] {
  if (verdict === 'not reached') return ['The request never came so far.'];
  if (hops.length === 0) return [absent(place.id, j)];
  return hops.map(hopSentence);
}

function absent(id: string, j: Journey): string {
  switch (id) {
    case 'dns': return 'No query was seen: most of the time the caller remembers the answer of an earlier one.';
    case 'firewall':
    case 'tls': return 'The connection stood already, or its record is a journey of its own (see what it is joined with).';
    case 'cors': return 'No page of another site asked, so that there was nothing to decide.';
    case 'stream': return j.method && /^(GET|HEAD|OPTIONS)$/.test(j.method) ? 'Nothing was changed, so that there is nothing to tell.' : 'Nothing left from here. What follows later is a journey of its own.';
    default: return 'Nothing was to do here for this request.';
  }
}

const did: Record<string, string> = {
  dns: 'The name was looked up', firewall: 'The firewall looked at the connection', tcp: 'The connection was taken', tls: 'Both sides agreed on a key',
  route: 'A route was looked for', cors: 'The origin of the page was checked', limit: 'The rate was checked', static: 'A file was looked for',
  proxy: 'The request was passed on', auth: 'It was checked who asks', access: 'The access rule was asked', schema: 'The fields were checked',
  pool: 'A connection to the database was asked for', sql: 'A statement ran', commit: 'The transaction was committed', files: 'A file was read or written',
  stream: 'Those who watch were told', app: 'A handler of the application ran', webhook: 'Another program was called', push: 'A push service was called', mail: 'A message was handed over', client: 'The browser was asked',
};

// hopSentence says one hop in plain words.
export function hopSentence(h: Hop): string {
  const what = did[h.layer] ?? h.layer;
  const name = h.name ? ` (${h.name})` : '';
  const end: Record<string, string> = {
    ok: 'and it passed', cached: 'and the answer was known already', wait: 'and it had to wait', deny: 'and it was refused', error: 'and that failed',
    timeout: 'and there was no time left', skip: 'but it does not apply', shadow: 'and a rule that is only tried out would have refused it', open: 'and had not ended',
  };
  return `${what}${name}, ${end[h.verdict] ?? h.verdict}${h.note && h.note !== h.where && h.note !== h.name ? `: ${h.note}` : ''}.`;
}
