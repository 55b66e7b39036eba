// Path: every station with its state and its tables, and from each the way to its journeys.
import { useEffect, useState } from 'react';
import { useApi } from '../api/client';
import { useLive } from '../api/live';
import type { Overview, Row, Station, StationTable } from '../api/types';
import { Empty, Note, Ready, Stale, StateMark, Table, Where, state } from '../parts';
import { sentence } from '../say';
import { Page } from '../shell/page';
import './path.css';

export default function PathPage({ parts }: { parts: string[] }) {
  const first = useApi<Overview>('/api/overview');
  const [now, setNow] = useState<Overview>();
  const wire = useLive('/api/overview/live', { overview: (data) => setNow(data as Overview) });
  const o = now ?? first.data;
  const chosen = parts[0] ?? '';
  useEffect(() => {
    if (o && chosen) document.getElementById(chosen)?.scrollIntoView({ block: 'start' });
  }, [chosen, o !== undefined]);
  return (
    <Page title="Path" lead="The stations that a request meets, in their order, as they are now.">
      <Stale wire={wire} />
      {o ? <Stations list={o.stations ?? []} chosen={chosen} /> : <Ready of={first} lines={10}>{() => null}</Ready>}
    </Page>
  );
}

function Stations({ list, chosen }: { list: Station[]; chosen: string }) {
  if (list.length === 0) return <Empty icon="path" title="No station has anything to show" />;
  return (
    <div className="path">
      <nav className="path-nav" aria-label="Stations">
        <ol>
          {list.map((s) => (
            <li key={s.layer}>
              <a href={`/path/${s.layer}`} aria-current={chosen === s.layer || undefined} data-keep-scroll=""><StateMark of={s.state} /> {s.title}</a>
            </li>
          ))}
        </ol>
      </nav>
      <ol className="path-list">{list.map((s, i) => <One key={s.layer} station={s} number={i + 1} />)}</ol>
    </div>
  );
}

function One({ station: s, number }: { station: Station; number: number }) {
  return (
    <li className={`panel station ${s.state}`} id={s.layer} tabIndex={-1}>
      <header>
        <div className="row">
          <span className="number">{number}</span>
          <div>
            <h2>{s.title}</h2>
            <p className="soft">{sentence(s.sentence)}</p>
          </div>
        </div>
        <span className="row"><StateMark of={s.state} word /><a className="button quiet" href={`/journeys?kinds=request,connection,query,drop,event,push&kept=deny,error,wait&reason=${s.layer}`}>Its refusals</a></span>
      </header>
      {s.fix && (
        <div className="body">
          <Note {...(state(s.state).tone === 'down' ? { tone: 'down' as const } : { tone: 'warn' as const })}><p><b>Fix:</b> {sentence(s.fix)} {s.where && <Where at={s.where} />}</p></Note>
        </div>
      )}
      {(s.tables ?? []).map((t) => <OneTable key={t.title} table={t} />)}
    </li>
  );
}

function OneTable({ table }: { table: StationTable }) {
  const rows = table.rows ?? [];
  const shown = table.columns.map((title, c) => ({ title, c })).filter(({ c }) => c === 0 || rows.some((r) => r.cells[c])); // not what is empty throughout
  const numeric = table.columns.map((_, i) => rows.length > 0 && rows.every((r) => /^(|–|-|—|[\d.,]+\s?(%|ms|s|µs|d|h|min|B|kB|MB|GB|\/s)?)$/.test(r.cells[i] ?? '')));
  const numbered = rows.map((row, i) => ({ row, i }));
  if (rows.length === 0) return <p className="soft none">{table.title}: none</p>;
  return (
    <Table
      caption={table.title} rows={numbered} id={({ i }) => String(i)}
      columns={[
        { key: 'state', title: <span className="unseen">State</span>, tight: true, cell: ({ row }) => <StateMark of={row.state} /> },
        ...shown.map(({ title, c }) => ({ key: String(c), title: `${title.charAt(0).toUpperCase()}${title.slice(1)}`, end: numeric[c] ?? false, tight: numeric[c] ?? false, cell: ({ row }: { row: Row }) => (c === 0 ? <FirstCell row={row} /> : row.cells[c]) })),
        ...(rows.some((r) => r.where) ? [{ key: 'where', title: 'Declared', tight: true, cell: ({ row }: { row: Row }) => row.where && <Where at={row.where} /> }] : []),
      ]}
    />
  );
}

function FirstCell({ row }: { row: Row }) {
  return (
    <>
      {row.cells[0]}
      {row.note && <span className={`row-note tone-${state(row.state).tone}`}>{sentence(row.note)}</span>}
    </>
  );
}
