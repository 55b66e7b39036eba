// Two journeys side by side: what one met that the other did not, what took longer, and what the declaration changed between.
import { useApi } from '../../api/client';
import type { Hop, Journey } from '../../api/types';
import { Chip, Empty, Icon, Ready, Table, VerdictMark, Where, refused } from '../../parts';
import { titleOf } from '../../path/titles';
import { clock, duration, sentence, shortID } from '../../say';
import { Page } from '../../shell/page';

export interface Change {
  path: string;
  was: string;
  now: string;
  where?: string;
}

interface Pair {
  layer: string;
  name?: string;
  a: Hop | null;
  b: Hop | null;
  ms: number;
  differs?: string[] | null;
  largest?: boolean;
}

interface Comparison {
  a: Journey;
  b: Journey;
  hops: Pair[] | null;
  config: Change[] | null;
}

export function Compare({ a, b }: { a: string; b: string }) {
  const loaded = useApi<Comparison>(`/api/journeys/${a}/diff/${b}`);
  return (
    <Page title="Two journeys compared" lead="What one met and the other did not, what took longer, and what the declaration changed between them.">
      <Ready of={loaded}>{(c) => <Comparing of={c} />}</Ready>
    </Page>
  );
}

function Comparing({ of: c }: { of: Comparison }) {
  const pairs = c.hops ?? [];
  const largest = pairs.find((p) => p.largest);
  return (
    <div className="stack">
      <div className="sides">
        <Side letter="A" of={c.a} />
        <Side letter="B" of={c.b} />
      </div>
      <p className="compare-sentence">{inWords(c, largest)}</p>
      <section className="panel" aria-label="Hops"><Table caption="Hops" rows={pairs} id={(p) => `${p.layer} ${p.name ?? ''} ${pairs.indexOf(p)}`} columns={[
        { key: 'layer', title: 'Station', cell: (p) => <><b>{p.layer}</b> <span className="mono soft">{p.name}</span></> },
        { key: 'a', title: 'A', tight: true, cell: (p) => <Met hop={p.a} /> },
        { key: 'b', title: 'B', tight: true, cell: (p) => <Met hop={p.b} /> },
        { key: 'ms', title: 'B took', end: true, tight: true, cell: (p) => (!p.a || !p.b || p.a.t + p.a.ms < 0 || p.b.t + p.b.ms < 0 ? '' : p.differs?.includes('time') ? <b className={p.ms > 0 ? 'tone-down' : 'tone-well'}>{p.ms > 0 ? '+' : '−'}{duration(Math.abs(p.ms))}</b> : <span className="soft">as long</span>) },
        { key: 'differs', title: 'Differs', cell: (p) => <span className="chips">{p.differs?.map((d) => <Chip key={d} tone={d === 'verdict' || d === 'reason' ? 'down' : 'warn'}>{d === 'there' ? (p.a ? 'only in A' : 'only in B') : d}</Chip>)}{p.largest && <Chip tone="accent">largest change</Chip>}</span> },
      ]} /></section>
      <Changes of={c} />
    </div>
  );
}

function inWords(c: Comparison, largest: Pair | undefined): string {
  const more = c.b.ms - c.a.ms;
  const longer = Math.abs(more) < 0.05 * Math.max(c.a.ms, c.b.ms) ? 'B took about as long as A' : `B took ${duration(Math.abs(more))} ${more > 0 ? 'longer' : 'less'} than A`;
  return `${longer}${largest ? `, most of it at ${largest.layer}${largest.name ? ` (${largest.name})` : ''}` : ''}.`;
}

function Side({ letter, of: j }: { letter: string; of: Journey }) {
  const { verb, what } = titleOf(j);
  return (
    <section className="panel side-of" aria-label={`Journey ${letter}`}>
      <span className="letter">{letter}</span>
      <div>
        <p><VerdictMark of={j.outcome} /> <a href={`/journeys/${j.id}`}><b>{verb}</b> {what}</a></p>
        <p className="fine">{[j.status, duration(j.ms), clock(j.start), `generation ${j.config}`, shortID(j.id)].filter(Boolean).join(' · ')}</p>
        {refused(j.outcome) && <p className="fine"><span className="mono tone-down">{j.flag}</span> {sentence(j.sentence ?? '')}</p>}
      </div>
    </section>
  );
}

function Met({ hop }: { hop: Hop | null }) {
  if (!hop) return <span className="soft"><Icon name="dash" label="not met" className="mark" /></span>;
  return <span className="nowrap"><VerdictMark of={hop.verdict} /> {duration(hop.ms)} <span className="mono tone-down">{hop.flag}</span></span>;
}

function Changes({ of: c }: { of: Comparison }) {
  if (c.a.config === c.b.config) return <p className="soft">Both ran with the same declaration, generation {c.a.config}.</p>;
  return (
    <section className="panel" aria-labelledby="changed">
      <header><h2 id="changed">The declaration between them: generation {c.a.config} → {c.b.config}</h2></header>
      <ChangeTable changes={c.config ?? []} />
    </section>
  );
}

export function ChangeTable({ changes }: { changes: Change[] }) {
  if (changes.length === 0) return <Empty icon="check" title="Nothing differs" level={3} />;
  return <Table caption="Changes of the declaration" hideCaption rows={changes} id={(x) => x.path} columns={[
    { key: 'path', title: 'Key', mono: true, cell: (x) => x.path },
    { key: 'was', title: 'Was', mono: true, cell: (x) => <span className="soft">{x.was || '—'}</span> },
    { key: 'now', title: 'Is', mono: true, cell: (x) => x.now || '—' },
    { key: 'where', title: 'Where', tight: true, cell: (x) => x.where && <Where at={x.where} /> },
  ]} />;
}
