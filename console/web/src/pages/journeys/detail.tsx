// One journey. First who stopped it and why, and what to do; then where the time went; then everything.
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { type ApiError, call, useApi } from '../../api/client';
import type { Hop, Journey } from '../../api/types';
import { useKeys } from '../../keys';
import { Ago, Button, Chip, Choice, Empty, Icon, Ready, Where, copy, refused, toast, verdict } from '../../parts';
import { kindWord, layerWord, statusWord, titleOf } from '../../path/titles';
import { bytes, clock, duration, sentence, shortID } from '../../say';
import { useMay } from '../../session';
import { go } from '../../router';
import { JourneyMap } from './map';
import { Joined } from './joined';
import { Waterfall } from './waterfall';

export interface Opened {
  journey: Journey;
  following?: Journey[] | null;
  linked?: Journey[] | null;
}

export function Detail({ id, back }: { id: string; back: string }) {
  const loaded = useApi<Opened>(`/api/journeys/${id}`);
  return (
    <article className="detail" aria-label="The open journey">
      <a className="back" href={back}><Icon name="left" />All journeys</a>
      {loaded.error?.status === 404 ? <Gone error={loaded.error} /> : <Ready of={loaded} lines={10}>{(o) => <One opened={o} again={loaded.again} />}</Ready>}
    </article>
  );
}

function Gone({ error }: { error: ApiError }) {
  return <Empty icon="clock" title="This journey is not kept any more"><p>{sentence(error.message)}</p><p className="fine">Pin a journey to keep it; what is refused, fails or is slow is kept longer by itself.</p></Empty>;
}

function One({ opened, again }: { opened: Opened; again: () => void }) {
  const j = opened.journey;
  const [view, setView] = useState<'time' | 'map'>('time');
  useKeys({ m: () => setView((v) => (v === 'time' ? 'map' : 'time')) });
  return (
    <div className="stack">
      <Head of={j} />
      <Verdict of={j} />
      <Actions of={j} again={again} />
      <section aria-label={view === 'time' ? 'Where the time went' : 'The way it went'} className="stack-s">
        <div className="row spread">
          <h2>{view === 'time' ? 'Where the time went' : 'The way it went'}</h2>
          <Choice label="Show as" value={view} onChange={setView} options={[{ value: 'time', label: 'Time', icon: 'bars' }, { value: 'map', label: 'Map', icon: 'map' }]} />
        </div>
        {view === 'time' ? <Waterfall of={j} /> : <JourneyMap of={j} />}
      </section>
      <Joined of={j} following={opened.following ?? []} linked={opened.linked ?? []} />
      <Facts of={j} />
    </div>
  );
}

function Head({ of: j }: { of: Journey }) {
  const { verb, what } = titleOf(j);
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${verb} ${what} · Roundtrip`;
    if (document.activeElement === document.body) title.current?.focus({ preventScroll: true }); // the list is not in sight: the focus would be nowhere
  }, [verb, what]);
  return (
    <header>
      <p className="fine row">
        <span>{kindWord(j.kind)}</span>
        <Ago at={j.start} />
        <button type="button" className="where" onClick={() => copy(j.id, 'Copied the id')}>{shortID(j.id)}<Icon name="copy" /><span className="unseen">copy the whole id</span></button>
      </p>
      <h1 ref={title} tabIndex={-1} className="detail-title">{verb && <b>{verb}</b>} {j.kind === 'request' && <span className="soft">{j.host}</span>}{what}</h1>
    </header>
  );
}

// Verdict is the one sentence, and the one fix.
function Verdict({ of: j }: { of: Journey }) {
  const bad = refused(j.outcome);
  const { icon } = verdict(j.outcome);
  const decider = j.hops[j.decided];
  const slow = slowest(j);
  return (
    <div className={`verdict ${bad ? 'down' : 'well'}`} role="note">
      <span className="seal"><Icon name={icon} /></span>
      <div className="stack-s">
        <p className="said">
          {bad ? <><b>{j.layer ? `Stopped at ${layerWord(j.layer)}` : 'Stopped'}{decider?.name ? ` (${decider.name})` : ''}.</b> {sentence(j.sentence ?? '')}</> : <><b>{statusWord(j) ? `Answered with ${statusWord(j)}` : 'It came through'}</b> in {duration(j.ms)}.</>}
          {bad && decider?.note && decider.note !== decider.where && decider.note !== decider.name && <span className="soft"> ({decider.note})</span>}
        </p>
        {bad && j.fix && <p className="fix"><b>Fix:</b> {sentence(j.fix)} {j.where && <Where at={j.where} />}</p>}
        <p className="chips">
          {statusWord(j) && <Chip>{statusWord(j)}</Chip>}
          {j.reason && <Chip href={`/reasons/${j.reason}`}>{j.flag && <b className="mono">{j.flag}</b>}{j.reason}</Chip>}
          <Chip icon="clock">{duration(j.ms)}</Chip>
          {slow && <Chip {...(slow.hop.verdict === "wait" ? { tone: "warn" as const } : {})}>{slow.hop.layer} took {slow.share} % of it</Chip>}
        </p>
      </div>
    </div>
  );
}

// slowest is the hop that took the greatest part, where one took a third or more of at least a millisecond.
function slowest(j: Journey): { hop: Hop; share: number } | undefined {
  const within = j.hops.filter((h) => h.t >= 0).sort((a, b) => b.ms - a.ms)[0];
  const share = within ? Math.round((100 * within.ms) / j.ms) : 0;
  return within && j.ms >= 1 && share >= 33 && share <= 100 ? { hop: within, share } : undefined;
}

function Actions({ of: j, again }: { of: Journey; again: () => void }) {
  const may = useMay('operator');
  const pinned = j.kept?.includes('pinned') ?? false;
  const [comparing, setComparing] = useState(() => sessionStorage.getItem('compare') ?? '');
  const pin = async () => {
    try {
      await call('POST', `/api/journeys/${j.id}/pin`, { on: !pinned });
      toast(pinned ? 'Not kept any longer than others' : 'Kept until the server ends');
      again();
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error), 'warn');
    }
  };
  const choose = () => {
    sessionStorage.setItem('compare', j.id);
    setComparing(j.id);
    toast('Now open the other journey, and compare');
  };
  return (
    <div className="buttons">
      {comparing && comparing !== j.id && <Button look="strong" icon="compare" onClick={() => go(`/journeys/${comparing}/diff/${j.id}`)}>Compare with {shortID(comparing)}</Button>}
      <Button icon="compare" aria-pressed={comparing === j.id} onClick={choose}>Compare with …</Button>
      {may && <Button icon="pin" aria-pressed={pinned} onClick={() => void pin()}>{pinned ? 'Pinned' : 'Pin'}</Button>}
      <Button icon="link" onClick={() => copy(`${location.origin}/journeys/${j.id}`, 'Copied the link')}>Link</Button>
      <Button icon="copy" onClick={() => copy(`roundtrip journey ${j.id}`, 'Copied the command')}>Command</Button>
      {may && j.kind === 'request' && j.host && <Button icon="why" onClick={() => go(`/why?${new URLSearchParams({ url: `https://${j.host}${j.path ?? '/'}`, method: j.method ?? 'GET', ...(/^(POST|PUT|PATCH)$/.test(j.method ?? '') && { body: '{}' }) })}`)}>Try it with why</Button>}
    </div>
  );
}

function Facts({ of: j }: { of: Journey }) {
  const facts: [string, ReactNode][] = [
    ['Id', <code key="id">{j.id}</code>],
    ['Began', clock(j.start, { day: true, millis: true })],
    ['Host', j.host], ['Route', j.route && <code>{j.route}</code>], ['Protocol', j.proto],
    ['Answer', j.bytes ? bytes(j.bytes) : undefined],
    ['From', j.client], ['Account', j.account ? <a href={`/people/${j.account}`}>{j.account}</a> : undefined],
    ['Headers', j.headers?.join(' · ')],
    ['Declaration', <a key="g" href={`/generations/${j.config}`}>generation {j.config}</a>],
    ['Kept for', j.kept?.join(', ')],
    ['Hops left out', j.dropped ? `${j.dropped}: a journey holds 24` : undefined],
  ];
  return (
    <section className="stack-s" aria-label="Everything else">
      <h2>Everything else</h2>
      <dl className="facts">{facts.filter(([, v]) => v).map(([k, v]) => <div key={k} className="fact"><dt>{k}</dt><dd>{v}</dd></div>)}</dl>
    </section>
  );
}
