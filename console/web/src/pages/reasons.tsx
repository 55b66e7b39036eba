// Reasons: why a station can say no. Each has its sentence and what to try first.
import { useState } from 'react';
import { useApi } from '../api/client';
import type { Reason } from '../api/types';
import { Button, Empty, Ready, Search, Table } from '../parts';
import { go } from '../router';
import { sentence } from '../say';
import { Page } from '../shell/page';
import { placeOf, places } from '../path/stations';
import './lists.css';

export default function ReasonsPage({ parts }: { parts: string[] }) {
  const loaded = useApi<Reason[]>('/api/reasons');
  const code = parts[0];
  const one = code ? loaded.data?.find((r) => r.code === code || r.flag === code.toUpperCase()) : undefined;
  if (code) {
    return (
      <Page title={one?.code ?? code} heading={<code>{one?.code ?? code}</code>}>
        <Ready of={loaded}>{() => (one ? <One of={one} /> : <Empty title="There is no such reason"><p><a href="/reasons">All reasons</a></p></Empty>)}</Ready>
      </Page>
    );
  }
  return (
    <Page title="Reasons" lead="Whatever is refused here is refused for one of these. A code never changes its meaning.">
      <Ready of={loaded} lines={12}>{(list) => <List list={list} />}</Ready>
    </Page>
  );
}

function List({ list }: { list: Reason[] }) {
  const [text, setText] = useState('');
  const words = text.toLowerCase().split(/\s+/);
  const some = list.filter((r) => r.code && words.every((w) => `${r.flag} ${r.code} ${r.text} ${r.fix}`.toLowerCase().includes(w)));
  return (
    <>
      <div className="row"><Search label="Search reasons" placeholder="a flag, a code, or any word" value={text} onChange={setText} /><span className="fine">{some.length} of {list.length}</span></div>
      <div className="panel">
        {some.length > 0 ? <Table
          caption="Reasons" hideCaption keys rows={some} id={(r) => r.code} href={(r) => `/reasons/${r.code}`}
          columns={[
            { key: 'code', title: 'Reason', tight: true, cell: (r) => <><b className="mono">{r.flag}</b> <span className="mono soft">{r.code}</span></> },
            { key: 'text', title: 'Means', from: 'm', cell: (r) => sentence(r.text) },
            { key: 'fix', title: 'Try first', from: 'l', cell: (r) => <span className="soft">{sentence(r.fix)}</span> },
          ]}
        /> : <Empty title="No reason has these words" />}
      </div>
    </>
  );
}

function One({ of: r }: { of: Reason }) {
  const place = places[placeOf(r.code.split('.')[0] ?? '')];
  return (
    <div className="stack reason">
      <p className="big">{sentence(r.text)}</p>
      <dl className="facts">
        <dt>Try first</dt><dd>{sentence(r.fix)}</dd>
        <dt>Flag</dt><dd><code>{r.flag}</code></dd>
        {place && <><dt>Station</dt><dd>{place.title}: {place.does}</dd></>}
      </dl>
      <div className="buttons">
        <Button icon="journeys" onClick={() => go(`/journeys?kinds=request,connection,query,drop,event,push&reason=${r.code}`)}>Its journeys</Button>
        <a href="/reasons">All reasons</a>
      </div>
    </div>
  );
}
