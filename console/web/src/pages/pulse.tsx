// The pulse: how many requests a second, and how long they take, as small lines of the last minutes.
import { useEffect, useRef, useState } from 'react';
import { useApi } from '../api/client';
import type { Journey } from '../api/types';
import { useNow } from '../parts';
import { duration } from '../say';

const bucketMS = 5000;
const buckets = 60; // five minutes

interface Count {
  at: number;
  n: number;
}

interface Sample {
  id: string;
  at: number;
  ms: number;
}

// useSamples keeps the requests of the last minutes: what the server still has when the page opens, then what is new.
// They are a sample: counts says how many there were by then, as the server counts them.
function useSamples(): { list: Sample[]; counts: Count[] } {
  const [n, setN] = useState(1000);
  const loaded = useApi<{ journeys: Journey[] | null; stats?: { kinds?: Record<string, number> } }>(`/api/journeys?kinds=request&n=${n}`, 3000);
  const kept = useRef(new Map<string, Sample>());
  const counts = useRef<Count[]>([]);
  const now = useNow().getTime();
  useEffect(() => {
    if (!loaded.data) return;
    for (const j of loaded.data.journeys ?? []) kept.current.set(j.id, { id: j.id, at: new Date(j.start).getTime() + j.ms, ms: j.ms });
    for (const s of kept.current.values()) if (s.at < Date.now() - bucketMS * (buckets + 2)) kept.current.delete(s.id);
    const n = loaded.data.stats?.kinds?.request ?? 0;
    if (n < (counts.current.at(-1)?.n ?? 0)) counts.current = []; // another process counts
    counts.current = [...counts.current, { at: Date.now(), n }].slice(-2 * buckets);
    setN(100);
  }, [loaded.data]);
  return { list: [...kept.current.values()].filter((s) => s.at > now - bucketMS * buckets), counts: counts.current };
}

// rate is how many requests a second there were from one moment to another, as the counts around them tell; undefined where
// nobody counted yet.
function rate(counts: Count[], from: number, to: number): number | undefined {
  const a = counts.findLast((c) => c.at <= from);
  const z = counts.find((c) => c.at >= to) ?? counts.at(-1);
  return a && z && z.at > a.at ? ((z.n - a.n) * 1000) / (z.at - a.at) : undefined;
}

const quantile = (sorted: number[], q: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];

export function Pulse() {
  const { list, counts } = useSamples();
  const end = Math.floor(useNow().getTime() / bucketMS);
  const slots = Array.from({ length: buckets }, (_, i) => list.filter((s) => Math.floor(s.at / bucketMS) === end - buckets + 1 + i).map((s) => s.ms).sort((a, b) => a - b));
  const all = list.map((s) => s.ms).sort((a, b) => a - b);
  const rates = slots.map((s, i) => rate(counts, (end - buckets + 1 + i) * bucketMS, (end - buckets + 2 + i) * bucketMS) ?? (s.length * 1000) / bucketMS);
  const last = rates.slice(-13, -1).reduce((a, b) => a + b, 0) / 12; // the minute before the slot that is not full yet
  const p50 = quantile(all, 0.5);
  const p99 = quantile(all, 0.99);
  return (
    <section className="pulse" aria-label="The last five minutes">
      <Figure title="Requests" value={`${last === 0 ? 0 : last >= 9.95 ? Math.round(last) : last.toFixed(1)}/s`} points={rates.slice(0, -1)} />
      <Figure title="Half are answered within" value={p50 === undefined ? '–' : duration(p50)} points={slots.slice(0, -1).map((s) => quantile(s, 0.5))} />
      <Figure title="99 of 100 within" value={p99 === undefined ? '–' : duration(p99)} points={slots.slice(0, -1).map((s) => quantile(s, 0.99))} />
    </section>
  );
}

function Figure({ title, value, points }: { title: string; value: string; points: (number | undefined)[] }) {
  return (
    <figure className="figure">
      <figcaption>{title}<strong>{value}</strong></figcaption>
      <Line points={points} />
    </figure>
  );
}

// Line is a small line without axes; where nothing was measured, it has a gap.
function Line({ points }: { points: (number | undefined)[] }) {
  const most = Math.max(...points.map((p) => p ?? 0)) || 1;
  const x = (i: number) => (i * 200) / (points.length - 1);
  const y = (v: number) => 36 - (v / most) * 32;
  const known = points.flatMap((p, i) => (p === undefined ? [] : [[i, p] as const]));
  const line = known.map(([i, p], n) => `${n > 0 && known[n - 1]![0] >= i - 3 ? 'L' : 'M'}${x(i).toFixed(1)} ${y(p).toFixed(1)}`).join('');
  const [lastI, lastP] = known.at(-1) ?? [0, 0];
  return (
    <svg className="spark" viewBox="-2 0 206 40" preserveAspectRatio="none" aria-hidden="true">
      <path className="ground" d="M0 38H204" />
      <path className="trace" d={line} />
      {known.length > 0 && <circle cx={x(lastI)} cy={y(lastP)} r="2" className="tip" />}
    </svg>
  );
}
