// The pulse: how many requests a second, and how long they take, as small lines of the last minutes. The figures are of every
// request, not of the journeys that are kept.
import { useApi } from '../api/client';
import { duration } from '../say';

interface Slice {
  ms: number;
  n: number;
  p50?: number;
  p99?: number;
}

interface Beats extends Slice {
  slices: Slice[];
}

const slots = 61; // five minutes of the server's slices, and the one that has not ended
const minute = 60_000;

export function Pulse() {
  const { data } = useApi<Beats>('/api/pulse', 2500);
  const list = data?.slices ?? [];
  const gone = list.length > 1 ? list.slice(0, -1) : list; // the last is still too short to compare
  const drawn = [...Array<undefined>(slots - gone.length).fill(undefined), ...gone];
  const time = (ms: number | undefined) => (ms === undefined ? '–' : duration(ms));
  return (
    <section className="pulse" aria-label="The last five minutes">
      <Figure title="Requests" value={data ? perSecond(lastMinute(list)) : '–'} points={drawn.map((s) => s && (s.n * 1000) / s.ms)} />
      <Figure title="Half are answered within" value={time(data?.p50)} points={drawn.map((s) => s?.p50)} />
      <Figure title="99 of 100 within" value={time(data?.p99)} points={drawn.map((s) => s?.p99)} />
    </section>
  );
}

// lastMinute is the newest slices together, of a minute or of what there is.
function lastMinute(list: Slice[]): Slice {
  const all = { ms: 0, n: 0 };
  for (const s of list.toReversed()) {
    if (all.ms >= minute) break;
    all.ms += s.ms;
    all.n += s.n;
  }
  return all;
}

function perSecond({ ms, n }: Slice): string {
  const rate = ms > 0 ? (n * 1000) / ms : 0;
  if (rate === 0) return '0/s';
  if (rate < 0.1) return `${Math.max(1, Math.round(rate * 60))}/min`;
  return `${rate >= 9.95 ? Math.round(rate).toLocaleString('en') : rate.toFixed(1)}/s`;
}

function Figure({ title, value, points }: { title: string; value: string; points: (number | undefined)[] }) {
  return (
    <figure className="figure">
      <figcaption>{title}<strong>{value}</strong></figcaption>
      <Line points={points} />
    </figure>
  );
}

// Line is a small line without axes; where nothing was measured, it has a gap. A measurement between two gaps is a short stroke.
function Line({ points }: { points: (number | undefined)[] }) {
  const most = Math.max(...points.map((p) => p ?? 0)) || 1;
  const x = (i: number) => (i * 200) / (points.length - 1);
  const y = (v: number) => 36 - (v / most) * 32;
  const known = points.flatMap((p, i) => (p === undefined ? [] : [[i, p] as const]));
  const joined = (n: number) => n > 0 && n < known.length && known[n - 1]![0] >= known[n]![0] - 3;
  const line = known.map(([i, p], n) => `${joined(n) ? 'L' : 'M'}${x(i).toFixed(1)} ${y(p).toFixed(1)}${joined(n) || joined(n + 1) ? '' : 'h.01'}`).join('');
  return (
    <svg className="spark" viewBox="-2 0 206 40" preserveAspectRatio="none" aria-hidden="true">
      <path className="ground" d="M0 38H204" />
      <path className="trace" d={line} />
    </svg>
  );
}
