// The declaration: when which generation came into force, and what it changed.
import { useApi } from '../api/client';
import type { Overview } from '../api/types';
import { Ago, Chip, Empty, Note, Ready, Where } from '../parts';
import { clock, plural, sentence } from '../say';
import { Page } from '../shell/page';
import { type Change, ChangeTable } from './journeys/compare';
import './lists.css';

interface Generation {
  number: number;
  at: string;
  file: string;
  changes: Change[] | null;
}

export default function GenerationsPage({ parts }: { parts: string[] }) {
  const loaded = useApi<Generation[]>('/api/generations', 10_000);
  const overview = useApi<Overview>('/api/overview', 10_000);
  const chosen = Number(parts[0] ?? 0);
  return (
    <Page title="Declaration" lead="Each time when the file was read and came into force, with what it changed. Journeys remember which generation they ran with.">
      {overview.data?.refused && <Note tone="warn"><p><b>The file on the disk is not in force:</b> {sentence(overview.data.refused)}</p></Note>}
      <Ready of={loaded}>{(list) => <List list={list} chosen={chosen} now={overview.data?.config} />}</Ready>
    </Page>
  );
}

function List({ list, chosen, now }: { list: Generation[]; chosen: number; now: number | undefined }) {
  if (list.length === 0) return <Empty icon="generations" title="No generation is known" />;
  const newest = list.toSorted((a, b) => b.number - a.number);
  const forgotten = chosen > 0 && !list.some((g) => g.number === chosen);
  return (
    <>
      {forgotten && <Note icon="clock"><p>Generation {chosen} is not remembered any more: only the last ones are.</p></Note>}
      <ol className="generations">
        {newest.map((g) => (
          <li key={g.number} className={`panel ${g.number === chosen ? 'chosen' : ''}`}>
            <header>
              <h2>Generation {g.number} {g.number === now && <Chip tone="well" icon="check">in force</Chip>}</h2>
              <span className="fine">{clock(g.at, { day: true })} · <Ago at={g.at} /></span>
            </header>
            {(g.changes ?? []).length > 0 ? <><p className="body soft">{plural(g.changes!.length, 'change')} from the one before</p><ChangeTable changes={g.changes!} /></> : <p className="body soft">{g === newest.at(-1) ? <>The first that is remembered, of <Where at={g.file} /></> : 'Read anew, nothing changed'}</p>}
          </li>
        ))}
      </ol>
    </>
  );
}
