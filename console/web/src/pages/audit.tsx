// Audit: what operators did. Owners see everybody's, others their own.
import { useState } from 'react';
import { useApi } from '../api/client';
import { Ago, Chip, Empty, Note, Ready, Search, Table } from '../parts';
import { useMay } from '../session';
import { Page } from '../shell/page';
import './lists.css';

interface Entry {
  n: number;
  time: string;
  who: string;
  role?: string;
  from?: string;
  what: string;
  target?: string;
  fields?: string[];
  note?: string;
  refused?: string;
  chain: string; // no two entries have the same
}

const deeds: Record<string, string> = {
  'sign-in': 'signed in', 'sign-out': 'signed out', claim: 'came in by a link', 'operator.link': 'made a link for', 'operator.role': 'changed the role of',
  'operator.remove': 'removed the operator', 'operator.password': 'changed the password of', try: 'tried', 'try.sign-in': 'signed an account in at', 'journey.pin': 'pinned the journey', 'journey.unpin': 'let go of the journey', why: 'asked why',
};

export default function AuditPage() {
  const owner = useMay('owner');
  const operator = useMay('operator');
  const loaded = useApi<{ entries: Entry[] | null; broken?: string }>(operator ? '/api/audit?n=500' : null, 10_000);
  const [text, setText] = useState('');
  return (
    <Page title="Audit" lead={owner ? 'What operators did, the newest first. It is written to the disk before it is done.' : 'What you did here, the newest first.'}>
      {!operator ? <Empty icon="audit" title="The audit is for operators and owners" /> : (
        <Ready of={loaded} lines={8}>{({ entries, broken }) => (
          <>
            {broken && <Note tone="down"><p><b>The log was changed by somebody else:</b> {broken}. What it says before that can’t be trusted.</p></Note>}
            <Search label="Search the audit" placeholder="a name, a deed, a record" value={text} onChange={setText} />
            <Entries list={(entries ?? []).filter((e) => [e.who, e.what, e.target, e.note, e.from].join(' ').toLowerCase().includes(text.toLowerCase()))} />
          </>
        )}</Ready>
      )}
    </Page>
  );
}

function Entries({ list }: { list: Entry[] }) {
  if (list.length === 0) return <Empty icon="audit" title="Nothing was done yet" />;
  return (
    <div className="panel">
      <Table
        caption="Audit" hideCaption rows={list} id={(e) => e.chain}
        columns={[
          { key: 'what', title: 'Deed', cell: (e) => <><b>{e.who || 'somebody'}</b> {deeds[e.what] ?? e.what} {target(e)} {e.refused && <Chip tone="down">refused: {e.refused}</Chip>}</> },
          { key: 'more', title: 'More', from: 'm', cell: (e) => <span className="soft">{[e.fields?.join(', '), e.note].filter(Boolean).join(' · ')}</span> },
          { key: 'role', title: 'As', from: 'l', tight: true, cell: (e) => <span className="soft">{e.role}</span> },
          { key: 'from', title: 'From', from: 'l', tight: true, cell: (e) => <span className="soft">{e.from}</span> },
          { key: 'time', title: 'When', tight: true, end: true, cell: (e) => <span className="soft"><Ago at={e.time} /></span> },
        ]}
      />
    </div>
  );
}

function target(e: Entry) {
  if (!e.target) return null;
  if (e.what.startsWith('journey.')) return <a href={`/journeys/${e.target}`} className="mono">{e.target.slice(0, 8)}</a>;
  const [collection, id] = e.target.split('/');
  if (e.what.startsWith('data.') && id) return <a href={`/data/${collection}/${id}`} className="mono">{e.target}</a>;
  return <span className="mono">{e.target}</span>;
}
