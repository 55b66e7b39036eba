// Journeys: the list, live, and beside it (below it on narrow screens: instead of it) the one that is open.
import { useEffect, useRef, useState } from 'react';
import { useKeys } from '../../keys';
import { Bones, Button, Chip, Empty, ErrorNote, Search } from '../../parts';
import { kinds } from '../../path/titles';
import { go, usePlace } from '../../router';
import { plural } from '../../say';
import { Page } from '../../shell/page';
import { Compare } from './compare';
import { Detail } from './detail';
import { addressOf, type Filter, filterOf, outcomes, parse, questionOf, shows, ordinary } from './filter';
import { JourneyTable } from './list';
import { useJourneys } from './live';
import './journeys.css';

export default function JourneysPage({ parts }: { parts: string[] }) {
  const [id = '', word, other = ''] = parts;
  const { search } = usePlace();
  const filter = filterOf(search);
  if (word === 'diff') return <Compare a={id} b={other} />;
  return (
    <div className={`split ${id ? 'open' : ''}`}>
      <List filter={filter} id={id} />
      {id && <Detail key={id} id={id} back={addressOf(filter)} />}
    </div>
  );
}

function List({ filter, id }: { filter: Filter; id: string }) {
  const [paused, setPaused] = useState(false);
  const [reading, setReading] = useState(false);
  const live = useJourneys(questionOf(filter, { n: 200 }), paused || reading);
  const { rest } = parse(filter.text);
  const list = live.list.filter((j) => shows(j, rest));
  const change = (part: Partial<Filter>) => go(addressOf({ ...filter, ...part }, id), { replace: true, keepScroll: true });
  useKeys({ p: () => setPaused((is) => !is), ...(id ? { u: () => go(addressOf(filter)) } : {}) });
  return (
    <Page title="Journeys" level={id ? 2 : 1} lead={id ? undefined : 'Every request on its way through this server, as it happens.'}
      actions={<Hold live={live} paused={paused} setPaused={setPaused} />}
    >
      <Filters filter={filter} change={change} reasons={live.list} />
      {live.error && <ErrorNote error={live.error} again={live.again} />}
      <div className="panel" {...useReading(setReading)}>
        {live.loading ? <Bones lines={8} /> : list.length > 0 ? <JourneyTable list={list} filter={filter} current={id} /> : <Nothing filtered={rest !== '' || filter.kept.length > 0 || filter.reason !== '' || filter.text !== ''} />}
      </div>
    </Page>
  );
}

// useReading tells while a pointer moves over the list or the focus is in it: rows must not move away then.
function useReading(set: (is: boolean) => void) {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const rest = () => set(false);
  return {
    onPointerMove: () => {
      clearTimeout(timer.current);
      set(true);
      timer.current = setTimeout(rest, 1500);
    },
    onFocus: () => set(true),
    onBlur: rest,
  };
}

function Hold({ live, paused, setPaused }: { live: ReturnType<typeof useJourneys>; paused: boolean; setPaused: (is: boolean) => void }) {
  const said = live.wire === 'broken' ? 'Not live: the connection broke' : live.wire === 'connecting' ? 'Connecting …' : paused ? 'Held' : 'Live';
  return (
    <>
      <span className={`live-word ${live.wire === 'open' && !paused ? 'on' : ''}`} role="status">{said}</span>
      {live.missed > 0 && <Chip tone="warn" title="They ended faster than a page can show; the server's counts have them all">{plural(live.missed, 'more', 'more')} not shown</Chip>}
      {live.held > 0 && <Chip on={false} onClick={live.release}>{plural(live.held, 'new one')}</Chip>}
      <Button icon={paused ? 'play' : 'pause'} aria-pressed={paused} onClick={() => setPaused(!paused)}>{paused ? 'Go on' : 'Pause'}</Button>
    </>
  );
}

function Filters({ filter, change, reasons }: { filter: Filter; change: (part: Partial<Filter>) => void; reasons: { reason?: string; flag?: string }[] }) {
  const toggle = <T extends string>(all: T[], one: T) => (all.includes(one) ? all.filter((x) => x !== one) : [...all, one]);
  const outcome = (kept: string[]) => change({ kept, ...(filter.kinds.join() === ordinary(filter.kept).join() && { kinds: ordinary(kept) }) });
  const common = countReasons(reasons, filter.reason);
  return (
    <div className="filters" role="search" aria-label="Filter journeys">
      <div className="row">
        <Search label="Filter: text, /path, 404 or 4xx, host:NAME, route:TEMPLATE" placeholder="/path, 4xx, host:name, route:template, or any text" value={filter.text} onChange={(text) => change({ text })} />
      </div>
      <div className="chips" role="group" aria-label="Kind">{kinds.map((k) => <Chip key={k.value} on={filter.kinds.includes(k.value)} onClick={() => change({ kinds: toggle(filter.kinds, k.value) })}>{k.word}</Chip>)}</div>
      <div className="chips" role="group" aria-label="Outcome">{outcomes.map((o) => <Chip key={o.value} title={o.hint} on={filter.kept.includes(o.value)} onClick={() => outcome(toggle(filter.kept, o.value))}>{o.word}</Chip>)}</div>
      {common.length > 0 && (
        <div className="chips" role="group" aria-label="Reason">
          {common.map((r) => <Chip key={r.code} on={filter.reason === r.code} onClick={() => change({ reason: filter.reason === r.code ? '' : r.code })}>{r.flag && <b className="mono">{r.flag}</b>}{r.code}{r.n > 0 && <span className="soft">{r.n}</span>}</Chip>)}
        </div>
      )}
    </div>
  );
}

// countReasons are the reasons of the list, the most frequent first; the one that is filtered by stays.
function countReasons(list: { reason?: string; flag?: string }[], chosen: string): { code: string; flag: string; n: number }[] {
  const seen = new Map<string, { code: string; flag: string; n: number }>();
  if (chosen) seen.set(chosen, { code: chosen, flag: '', n: 0 });
  for (const { reason, flag } of list) {
    if (!reason) continue;
    const known = seen.get(reason) ?? { code: reason, flag: flag ?? '', n: 0 };
    seen.set(reason, { ...known, flag: known.flag || (flag ?? ''), n: known.n + 1 });
  }
  return [...seen.values()].sort((a, b) => Number(b.code === chosen) - Number(a.code === chosen) || b.n - a.n).slice(0, 8);
}

function Nothing({ filtered }: { filtered: boolean }) {
  if (filtered) return <Empty title="No journey fits the filter"><p>New ones that fit show here by themselves. <a href="/journeys">Without the filter</a></p></Empty>;
  return <Empty icon="journeys" title="Nothing has come by yet"><p>Open your site in another tab: each request shows here when it has ended.</p></Empty>;
}
