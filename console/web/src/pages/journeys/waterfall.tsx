// The waterfall: a row for each hop, with what it decided, how that is known, and when.
import { useState } from 'react';
import type { Hop, Journey } from '../../api/types';
import { Choice, Empty, VerdictMark, Where, refused, verdict } from '../../parts';
import { duration, sentence } from '../../say';
import { linearScale, logScale, type Scale, type WaterRow, waterRows } from './rows';

const evidences: Record<string, string> = {
  seen: 'this server did it or saw it itself', reported: 'another party that was there told it, such as the kernel',
  likely: 'it follows from what was seen, unless something changed in between', hint: 'something points to it', predicted: 'the model says so; nobody looked',
};

export function Waterfall({ of }: { of: Journey }) {
  const [kind, setKind] = useState<'linear' | 'log'>('linear');
  const total = Math.max(of.ms, ...of.hops.map((h) => h.t + h.ms), 0.001);
  const scale = (kind === 'log' ? logScale : linearScale)(total);
  const rows = waterRows(of);
  if (of.hops.length === 0) return <Empty icon="bars" title="No station wrote anything down" level={3} />;
  return (
    <div className="waterfall panel">
      <table role="table">
        <caption className="unseen">Hops of the journey</caption>
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col">Station</th>
            <th role="columnheader" scope="col">Decided</th>
            <th role="columnheader" scope="col" className="time"><span className="unseen">Time</span><Axis scale={scale} /></th>
            <th role="columnheader" scope="col" className="end">Took</th>
          </tr>
        </thead>
        <tbody role="rowgroup">{rows.map((r, i) => <RowOf key={i} row={r} scale={scale} />)}</tbody>
      </table>
      <footer className="row spread">
        <span className="fine">{rows.some((r) => r.kind === 'gap') && 'Hatched: time that no station accounts for.'}</span>
        <Choice label="Scale of time" value={kind} onChange={setKind} options={[{ value: 'linear', label: 'Linear' }, { value: 'log', label: 'Logarithmic' }]} />
      </footer>
    </div>
  );
}

function Axis({ scale }: { scale: Scale }) {
  return (
    <svg className="axis" aria-hidden="true" width="100%" height="16">
      {scale.ticks.map((t) => <text key={t.ms} x={`${t.at / 10}%`} y="11">{t.ms === 0 ? '0' : duration(t.ms)}</text>)}
    </svg>
  );
}

// Grid is the lines of the axis, through a row of any height.
function Grid({ scale }: { scale: Scale }) {
  return <svg className="grid" aria-hidden="true">{scale.ticks.map((k) => <line key={k.ms} x1={`${k.at / 10}%`} x2={`${k.at / 10}%`} y2="100%" />)}</svg>;
}

function Bar({ scale, t, ms, tone }: { scale: Scale; t: number; ms: number; tone: string }) {
  const from = scale.at(t);
  const width = Math.max(scale.at(t + ms) - from, 4);
  return (
    <svg className={`bar ${tone}`} viewBox="0 0 1000 14" preserveAspectRatio="none" aria-hidden="true">
      <rect x={Math.min(from, 996)} y="1" width={width} height="12" rx="0" />
    </svg>
  );
}

function RowOf({ row, scale }: { row: WaterRow; scale: Scale }) {
  switch (row.kind) {
    case 'gap':
      return (
        <tr role="row" className="gap">
          <td role="cell" className="soft">unaccounted</td><td role="cell" />
          <td role="cell" className="time"><Grid scale={scale} /><Bar scale={scale} t={row.t} ms={row.ms} tone="hatched" /></td>
          <td role="cell" className="end soft">{duration(row.ms)}</td>
        </tr>
      );
    case 'unreached':
      return <tr role="row" className="unreached"><td role="cell" colSpan={4} className="soft"><VerdictMark of="not reached" /> not reached: {row.words.join(' · ')}</td></tr>;
    default:
      return <HopRow hop={row.hop} decided={row.decided} before={row.kind === 'before'} scale={scale} />;
  }
}

function HopRow({ hop, decided, before, scale }: { hop: Hop; decided: boolean; before: boolean; scale: Scale }) {
  const stop = decided && refused(hop.verdict);
  const tone = refused(hop.verdict) ? 'down' : hop.verdict === 'wait' || hop.verdict === 'shadow' ? 'warn' : 'pass';
  return (
    <tr role="row" className={stop ? 'stop' : undefined}>
      <td role="cell" className="nowrap"><VerdictMark of={hop.verdict} /> <b>{hop.layer}</b></td>
      <td role="cell" className="decision">
        {hop.name && <span className="mono">{hop.name} </span>}
        {hop.flag && <span className="mono tone-down" title={hop.reason}>{hop.flag} </span>}
        <span className="soft">{hop.note && hop.note !== hop.where && hop.note !== hop.name ? hop.note : hop.name ? '' : verdict(hop.verdict).word}</span>
        {hop.n && hop.n[1] !== 0 && hop.layer === 'pool' && <span className="soft"> {hop.n[0]}/{hop.n[1]}</span>}
        {hop.evidence !== 'seen' && <span className="evidence" title={sentence(evidences[hop.evidence] ?? '')}> {hop.evidence}</span>}
        {stop && hop.where && <> <Where at={hop.where} /></>}
      </td>
      <td role="cell" className="time"><Grid scale={scale} />{before ? <span className="fine earlier">{duration(-hop.t)} earlier</span> : <Bar scale={scale} t={hop.t} ms={hop.ms} tone={`${tone} ${hop.evidence === 'seen' ? '' : 'unseen-by-us'}`} />}</td>
      <td role="cell" className="end">{duration(hop.ms)}</td>
    </tr>
  );
}
