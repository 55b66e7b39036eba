// The map: the ten stations, and the request that moves through them, a step at a time, with a plain sentence at each.
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { Journey } from '../../api/types';
import { useKeys } from '../../keys';
import { Button, Choice, Icon, IconButton, VerdictMark, Where, refused, verdict } from '../../parts';
import { type Passage, passages, whatHappened } from '../../path/stations';
import { duration, sentence } from '../../say';
import { type Geometry, tall, wide } from './geometry';

// stopOf is where the journey turns: at the station that refused it, else at the last one that it met.
function stopOf(j: Journey, all: Passage[]): number {
  const stop = refused(j.outcome) ? all.findIndex((p) => p.decided) : -1;
  return stop >= 0 ? stop : Math.max(0, all.findLastIndex((p) => p.hops.length > 0));
}

export function JourneyMap({ of: j }: { of: Journey }) {
  const all = passages(j);
  const stop = stopOf(j, all);
  const last = stop + 2;
  const { at, setAt, playing, setPlaying, slow, setSlow } = usePlay(last);
  const move = (by: number) => {
    setPlaying(false);
    setAt((a) => Math.min(last, Math.max(0, a + by)));
  };
  useKeys({ ArrowRight: () => move(1), ArrowLeft: () => move(-1) });
  const frame = useRef<HTMLDivElement>(null);
  const [geo, setGeo] = useState<Geometry>(wide);
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([entry]) => setGeo((entry?.contentRect.width ?? 1000) < 820 ? tall : wide));
    if (frame.current) watch.observe(frame.current);
    return () => watch.disconnect();
  }, []);
  return (
    <div ref={frame} className="map panel">
      <Drawing j={j} geo={geo} all={all} stop={stop} at={at} slow={slow} go={(i) => { setPlaying(false); setAt(i + 1); }} />
      <div className="controls">
        <IconButton name="back" label="A step back" disabled={at === 0} onClick={() => move(-1)} />
        <Button icon={playing ? 'pause' : 'play'} onClick={() => { if (!playing && at === last) setAt(0); setPlaying(!playing); }}>{playing ? 'Pause' : at === last ? 'Again' : 'Play'}</Button>
        <IconButton name="forward" label="A step on" disabled={at === last} onClick={() => move(1)} />
        <Choice label="Speed" value={slow ? 'slow' : 'usual'} onChange={(v) => setSlow(v === 'slow')} options={[{ value: 'usual', label: 'Usual' }, { value: 'slow', label: 'Slow' }]} />
        <span className="fine">{at === 0 ? 'Before it begins' : at === last ? 'The answer' : `Station ${at} of ${all.length}`}</span>
      </div>
      <div className="told" aria-live="polite">
        {at === 0 ? <Beginning of={j} /> : at === last ? <Answer of={j} stop={all[stop]} /> : <Station passage={all[at - 1]!} of={j} />}
      </div>
    </div>
  );
}

// usePlay is the step and the clock that moves it on.
function usePlay(last: number) {
  const [at, setAt] = useState(0);
  const [playing, setPlaying] = useState(false);
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    if (!playing) return;
    if (at >= last) return setPlaying(false);
    const timer = setTimeout(() => setAt((a) => a + 1), slow ? 3200 : at === 0 ? 500 : 1300);
    return () => clearTimeout(timer);
  }, [playing, at, last, slow]);
  return { at, setAt, playing, setPlaying, slow, setSlow };
}

function Drawing({ j, geo, all, stop, at, slow, go }: { j: Journey; geo: Geometry; all: Passage[]; stop: number; at: number; slow: boolean; go: (i: number) => void }) {
  const bad = refused(j.outcome);
  const now = at === 0 ? 'at the caller' : at === stop + 2 ? 'back at the caller' : `at ${all[at - 1]?.place.title}`;
  return (
    <div className={`drawing ${geo.tall ? 'tall' : 'wide'}`}>
      <svg viewBox={`0 0 ${geo.width} ${geo.height}`} role="img" aria-label={`The path, with the request ${now}`}>
        <path className="rail" d={geo.rail} />
        <path className={`way ${bad ? 'bad' : ''}`} d={geo.way(stop)} />
        <Caller j={j} geo={geo} />
        {all.map((p, i) => <Stop key={p.place.id} passage={p} geo={geo} i={i} here={at === i + 1} beyond={i > stop} bad={bad} onClick={() => i <= stop && go(i)} />)}
        <Dot geo={geo} stop={stop} at={at} slow={slow} bad={bad} />
      </svg>
    </div>
  );
}

function Caller({ j, geo }: { j: Journey; geo: Geometry }) {
  const status = j.status ? `${j.status} in ${duration(j.ms)}` : duration(j.ms);
  if (geo.tall) {
    return (
      <g className="caller">
        <rect x="1" y="8" width="338" height="46" rx="10" />
        <text x="16" y="37" className="name">Caller</text>
        <text x="324" y="37" textAnchor="end">{status}</text>
      </g>
    );
  }
  return (
    <g className="caller">
      <rect x="1" y="48" width="62" height="150" rx="12" />
      <text x="32" y="128" textAnchor="middle" className="name">Caller</text>
      <text x="82" y="192">{status}</text>
    </g>
  );
}

function Stop({ passage, geo, i, here, beyond, bad, onClick }: { passage: Passage; geo: Geometry; i: number; here: boolean; beyond: boolean; bad: boolean; onClick: () => void }) {
  const { x, y } = geo.at(i);
  const { tone } = verdict(passage.verdict);
  const stopped = passage.decided && bad;
  const took = passage.hops.reduce((a, h) => a + h.ms, 0);
  const label = geo.tall ? { x: x + 28, y: y + 5, anchor: 'start' as const } : { x, y: y - 30, anchor: 'middle' as const };
  const time = geo.tall ? { x: 324, y: y + 5, anchor: 'end' as const } : { x, y: y + 36, anchor: 'middle' as const };
  return (
    <g className={`stop ${here ? 'here' : ''} ${beyond ? 'beyond' : ''} ${passage.hops.length ? `been tone-${tone}` : 'empty'} ${stopped ? 'stopped' : ''}`} onClick={onClick}>
      <circle cx={x} cy={y} r={passage.hops.length ? 15 : 8} />
      {passage.hops.length > 0 && <g transform={`translate(${x - 8} ${y - 8}) scale(.667)`}><Icon name={verdict(passage.verdict).icon} /></g>}
      <text {...pos(label)} className="name">{passage.place.short}</text>
      <text {...pos(time)} className="took">{passage.hops.length ? duration(took) : ''}</text>
    </g>
  );
}

const pos = ({ x, y, anchor }: { x: number; y: number; anchor: 'start' | 'middle' | 'end' }) => ({ x, y, textAnchor: anchor });

// Dot is the request: it glides along its way to where the step is.
function Dot({ geo, stop, at, slow, bad }: { geo: Geometry; stop: number; at: number; slow: boolean; bad: boolean }) {
  const path = useRef<SVGPathElement>(null);
  const dot = useRef<SVGGElement>(null);
  const where = useRef(-1);
  const target = (total: number) => {
    if (at === 0) return 0;
    if (at === stop + 2) return total;
    const { x, y } = geo.at(at - 1);
    return geo.tall ? y - 56 : x - 64;
  };
  useEffect(() => {
    const p = path.current;
    if (!p || !dot.current) return;
    const to = target(p.getTotalLength());
    const from = where.current < 0 || matchMedia('(prefers-reduced-motion: reduce)').matches ? to : where.current;
    const place = (length: number) => {
      where.current = length;
      const { x, y } = p.getPointAtLength(length);
      dot.current?.setAttribute('transform', `translate(${x} ${y})`);
    };
    place(from);
    if (from === to) return;
    const takes = slow ? 1600 : 650;
    let frame = 0;
    let began = 0;
    const tick = (t: number) => {
      began ||= t;
      const part = Math.min(1, (t - began) / takes);
      place(from + (to - from) * (1 - (1 - part) ** 3));
      if (part < 1) frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(frame);
  }, [geo, stop, at, slow]);
  return (
    <>
      <path ref={path} d={geo.way(stop)} fill="none" />
      <g ref={dot} className={`dot ${bad && at > stop ? 'bad' : ''}`}><circle r="13" className="halo" /><circle r="6.5" /></g>
    </>
  );
}

function Beginning({ of: j }: { of: Journey }) {
  return (
    <div className="stack-s">
      <h3>Somebody asks</h3>
      <p>{j.kind === 'request' ? <>A browser or another program sends <code>{j.method} {j.path}</code> to <code>{j.host}</code>. On its way it meets ten stations. Each may let it pass, or turn it back.</> : 'Each journey meets the stations of the path that it needs.'}</p>
      <p className="fine">Play, or go step by step with <kbd>→</kbd>.</p>
    </div>
  );
}

function Answer({ of: j, stop }: { of: Journey; stop: Passage | undefined }) {
  const bad = refused(j.outcome);
  return (
    <div className="stack-s">
      <h3>{bad ? 'Turned back' : 'The answer'}</h3>
      <p>{bad ? <>It turned at <b>{stop?.place.title}</b>: {sentence(j.sentence ?? '')}</> : <>All is well: the answer{j.status ? ` (${j.status})` : ''} is on its way back, {duration(j.ms)} after the first byte came.</>}</p>
      {bad && j.fix && <p><b>Fix:</b> {sentence(j.fix)} {j.where && <Where at={j.where} />}</p>}
    </div>
  );
}

function Station({ passage, of }: { passage: Passage; of: Journey }) {
  const where = passage.hops.find((h) => h.where)?.where;
  return (
    <div className="stack-s">
      <h3><VerdictMark of={passage.verdict} /> {passage.place.title}</h3>
      <p className="soft">{passage.place.does}</p>
      <div><h4>What happened here</h4>{whatHappened(passage, of).map((s, i) => <p key={i}>{s}</p>)}{where && <p className="fine">Declared at <Where at={where} /></p>}</div>
      <details>
        <summary><Icon name="bulb" className="mark" /> Why does this exist?</summary>
        <p>{passage.place.exists}</p>
      </details>
    </div>
  );
}
