// The first screen: is it well, and if not, which station?
import { useState } from 'react';
import { useApi } from '../api/client';
import { useLive } from '../api/live';
import type { Journey, Overview, State, Station } from '../api/types';
import { Chip, Empty, ErrorNote, Icon, Note, Ago, Ready, Stale, StateMark, Where, state } from '../parts';
import { sentence } from '../say';
import { Page } from '../shell/page';
import { Pulse } from './pulse';
import './overview.css';

export default function OverviewPage() {
  const first = useApi<Overview>('/api/overview');
  const [now, setNow] = useState<Overview>();
  const wire = useLive('/api/overview/live', { overview: (data) => setNow(data as Overview) });
  const o = now ?? first.data;
  if (!o) return <Page title="Overview"><Ready of={first}>{() => null}</Ready></Page>;
  return (
    <Page title="Overview" heading={<Headline of={o} />} lead={lead(o)}>
      {first.error && !now && <ErrorNote error={first.error} again={first.again} />}
      <Stale wire={wire} />
      <Trouble of={o} />
      <section aria-label="The path">
        <Stations of={o} />
      </section>
      <Pulse />
      <Refusals />
    </Page>
  );
}

const inState = (o: Overview, s: State) => (o.stations ?? []).filter((x) => x.state === s);

// names are the titles of stations as a sentence has them: A, B and C.
function names(list: Station[]): string {
  const all = list.map((s) => s.title);
  const shown = all.length > 4 ? [...all.slice(0, 3), `${all.length - 3} more`] : all;
  return new Intl.ListFormat('en-GB').format(shown);
}

// headline is the answer that is read from afar: is it well, and if not, which station?
function headline(o: Overview): string {
  const down = inState(o, 'down');
  const warn = inState(o, 'warn');
  if (down.length > 0) return `Down: ${names(down)}.`;
  if (warn.length > 0) return `It runs, but look at ${names(warn)}.`;
  return o.state === 'well' ? 'All is well.' : sentence(o.sentence);
}

// lead is what came by lately, as the station that keeps the journeys says it.
function lead(o: Overview): string {
  const kept = o.stations?.find((s) => s.layer === 'journeys');
  return kept ? sentence(kept.sentence) : '';
}

function Headline({ of }: { of: Overview }) {
  const { tone, icon, word } = state(of.state);
  return (
    <span className={`headline ${tone}`} role="status">
      <span className="seal"><Icon name={icon} label={word} /></span>
      <span>{headline(of)}</span>
    </span>
  );
}

// never stands for what no request has met: it comes after what was just seen.
const never = '1970-01-01T00:00:00Z';

// Trouble says what to do about each station that is not well: what is down, then what requests have met last.
function Trouble({ of }: { of: Overview }) {
  const bad = (of.stations ?? []).filter((s) => s.state === 'down' || s.state === 'warn')
    .sort((a, b) => Number(b.state === 'down') - Number(a.state === 'down') || Date.parse(b.since ?? never) - Date.parse(a.since ?? never));
  if (bad.length === 0 && !of.refused) return null;
  return (
    <div className="stack-s">
      {of.refused && (
        <Note tone="warn" icon="generations">
          <p><b>The file on the disk is not in force:</b> {sentence(of.refused)}</p>
          <p className="fine">The server goes on with generation {of.config}. Correct the file; it is read again by itself.</p>
        </Note>
      )}
      {bad.map((s) => (
        <Note key={s.layer} tone={s.state === 'down' ? 'down' : 'warn'} action={<a className="button" href={`/path/${s.layer}`}>Look</a>}>
          <p><b>{s.title}:</b> {sentence(s.sentence)}</p>
          {s.fix && <p><b>Fix:</b> {sentence(s.fix)} {s.where && <Where at={s.where} />}</p>}
        </Note>
      ))}
    </div>
  );
}

function Stations({ of }: { of: Overview }) {
  return (
    <ol className="line">
      {(of.stations ?? []).map((s) => (
        <li key={s.layer} className={s.state}>
          <a href={`/path/${s.layer}`} title={sentence(s.sentence)}>
            <span className="stop"><StateMark of={s.state} /></span>
            <strong>{s.title}</strong>
            <span className="fine">{s.sentence}</span>
          </a>
        </li>
      ))}
    </ol>
  );
}

interface Group {
  reason: string;
  flag: string;
  sentence: string;
  list: Journey[];
}

// Refusals are the last ones that were refused or failed, by their reason.
function Refusals() {
  const loaded = useApi<{ journeys: Journey[] | null }>('/api/journeys?kept=deny,error&n=500', 5000);
  return (
    <section className="panel" aria-labelledby="refusals">
      <header>
        <h2 id="refusals">Turned away lately</h2>
        <a href="/journeys?kept=deny,error">All of them</a>
      </header>
      <Ready of={loaded} lines={3}>{({ journeys }) => <RefusalList groups={byReason(journeys ?? [])} />}</Ready>
    </section>
  );
}

function byReason(list: Journey[]): Group[] {
  const groups = new Map<string, Group>();
  for (const j of list) {
    const reason = j.reason ?? j.outcome;
    const known = groups.get(reason);
    if (known) known.list.push(j);
    else groups.set(reason, { reason, flag: j.flag ?? '', sentence: j.sentence ?? '', list: [j] });
  }
  return [...groups.values()].sort((a, b) => b.list.length - a.list.length);
}

function RefusalList({ groups }: { groups: Group[] }) {
  if (groups.length === 0) return <Empty icon="check" title="Nobody was turned away" level={3}><p>Whatever is refused or fails shows here, by its reason, with one to look at.</p></Empty>;
  const most = Math.max(...groups.map((g) => g.list.length));
  return (
    <ul className="refusals">
      {groups.slice(0, 12).map((g) => (
        <li key={g.reason}>
          <meter className="unseen" value={g.list.length} max={most} aria-label={`times ${g.reason}`} />
          <span className="many" aria-hidden="true">{g.list.length}</span>
          <svg className="share" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect className="rail" width="100" height="6" rx="0" /><rect width={(100 * g.list.length) / most} height="6" /></svg>
          <span className="said">{sentence(g.sentence) || g.reason}<span className="fine"> <Chip href={`/reasons/${g.reason}`}>{g.flag && <b className="mono">{g.flag}</b>}{g.reason}</Chip></span></span>
          <span className="fine when">{g.list[0] && <Ago at={g.list[0].start} />}</span>
          <span className="buttons">
            <a href={`/journeys/${g.list[0]?.id}`}>Look at one<span className="unseen"> of {g.reason}</span></a>
          </span>
        </li>
      ))}
    </ul>
  );
}
