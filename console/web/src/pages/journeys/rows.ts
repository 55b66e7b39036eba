// The rows of a waterfall: hops in the order in which they began, what happened before the first byte, time that no hop
// accounts for, and stations that were never reached.
import type { Hop, Journey } from '../../api/types';
import { refused } from '../../parts';
import { placeOf, places } from '../../path/stations';

export type WaterRow =
  | { kind: 'before' | 'hop'; hop: Hop; decided: boolean }
  | { kind: 'gap'; t: number; ms: number }
  | { kind: 'unreached'; words: string[] };

const gapMin = 1; // ms: a gap from here on is as honest as a hop

export function waterRows(j: Journey): WaterRow[] {
  const rows: WaterRow[] = [];
  const inTime = j.hops.map((hop, i) => ({ hop, decided: i === j.decided })).sort((a, b) => a.hop.t - b.hop.t);
  let end = 0;
  for (const { hop, decided } of inTime) {
    if (hop.t + hop.ms < 0) {
      rows.push({ kind: 'before', hop, decided });
      continue;
    }
    if (hop.t - end >= gapMin) rows.push({ kind: 'gap', t: end, ms: hop.t - end });
    rows.push({ kind: 'hop', hop, decided });
    end = Math.max(end, hop.t + hop.ms);
  }
  if (j.ms - end >= gapMin && j.hops.length > 0) rows.push({ kind: 'gap', t: end, ms: j.ms - end });
  const stop = j.hops[j.decided];
  if (stop && refused(j.outcome) && j.kind === 'request') {
    const words = places.slice(placeOf(stop.layer) + 1).filter((p) => !j.hops.some((h) => p.layers.includes(h.layer))).map((p) => p.short);
    if (words.length) rows.push({ kind: 'unreached', words });
  }
  return rows;
}

export interface Scale {
  at: (ms: number) => number; // 0 to 1000
  ticks: { at: number; ms: number }[];
}

// linearScale and logScale lay out the time from 0 to total (ms). On the logarithmic one a microsecond is seen beside a second.
export function linearScale(total: number): Scale {
  const at = (ms: number) => (1000 * Math.min(Math.max(ms, 0), total)) / (total || 1);
  const rough = total / 4;
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  const each = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? rough;
  const ticks = [];
  for (let i = 0; i * each <= total * 0.93; i++) ticks.push({ at: at(i * each), ms: i * each });
  return { at, ticks };
}

export function logScale(total: number): Scale {
  const f = (ms: number) => Math.log10(1 + Math.max(ms, 0) * 1000);
  const at = (ms: number) => (1000 * Math.min(f(ms), f(total))) / (f(total) || 1);
  const ticks = [{ at: 0, ms: 0 }];
  for (let ms = 0.01; ms <= total * 0.6; ms *= 10) ticks.push({ at: at(ms), ms });
  return { at, ticks: ticks.slice(0, 1).concat(ticks.slice(1).filter((_, i, all) => all.length <= 4 || (all.length - 1 - i) % 2 === 0)) };
}
