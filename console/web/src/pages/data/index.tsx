// Data: the collections, their records and what is declared of them.
import { useRef } from 'react';
import { query, useApi } from '../../api/client';
import { Bones, Button, Choice, Empty, ErrorNote, Icon, Note, Ready, Table, type Column } from '../../parts';
import { useKeys } from '../../keys';
import { go, usePlace } from '../../router';
import { count } from '../../say';
import { Page } from '../../shell/page';
import { Cell } from './cell';
import './data.css';
import { FilterBar } from './filter';
import { NewRecord, RecordDrawer } from './record';
import { Schema } from './schema';
import { type Collection, type Declared, type Field, labelField, type Rec } from './types';

export default function Data({ parts }: { parts: string[] }) {
  const declared = useApi<Declared>('/api/data/', 30_000);
  const [name, tab] = parts;
  return (
    <Page
      title={name ? `${name}: data` : 'Data'} heading="Data"
      lead="Every record, whatever the rules of the site say. What you change goes the way of every write: the same checks, counts, notifications and webhooks; and it stands in the audit."
    >
      <Ready of={declared}>
        {(d) => {
          const of = d.collections.find((c) => c.name === name) ?? (name ? undefined : d.collections[0]);
          if (d.collections.length === 0) return <Empty icon="data" title="No collections"><p>Declare some below <code>collections:</code> in roundtrip.yaml.</p></Empty>;
          return (
            <div className="data">
              <Collections all={d.collections} at={of?.name} />
              {of ? <One key={of.name} declared={d} of={of} tab={tab} refresh={declared.again} /> : <Empty icon="data" title={`There is no collection ${name}`} />}
            </div>
          );
        }}
      </Ready>
    </Page>
  );
}

function Collections({ all, at }: { all: Collection[]; at: string | undefined }) {
  return (
    <nav className="data-list" aria-label="Collections">
      {all.map((c) => (
        <a key={c.name} href={`/data/${c.name}`} aria-current={c.name === at ? 'page' : undefined} data-keep-scroll="">
          <span>{c.name}</span>
          <span className="fine" title={c.count === null ? 'too many to be counted quickly' : undefined}>{c.count === null ? 'many' : count(c.count)}</span>
        </a>
      ))}
    </nav>
  );
}

function One({ declared, of, tab, refresh }: { declared: Declared; of: Collection; tab: string | undefined; refresh: () => void }) {
  const { search } = usePlace();
  const schema = tab === 'schema';
  const view = query({ filter: search.get('filter') ?? '', order: search.get('order') ?? '', page: search.get('page') ?? '' });
  return (
    <section className="stack" aria-label={of.name}>
      <div className="row spread">
        <h2 className="data-title">{of.name}</h2>
        <Choice
          label="What to see" value={schema ? 'schema' : 'records'} onChange={(v) => go(v === 'schema' ? `/data/${of.name}/schema` : `/data/${of.name}`, { keepScroll: true })}
          options={[{ value: 'records', label: 'Records' }, { value: 'schema', label: 'Schema' }]}
        />
      </div>
      {schema ? <Schema of={of} /> : <Records declared={declared} of={of} open={tab} view={view} refresh={refresh} />}
    </section>
  );
}

interface RecordList {
  next_page_token: string;
  [collection: string]: Rec[] | string;
}

const newest = 'id desc';

function Records({ declared, of, open, view, refresh }: { declared: Declared; of: Collection; open: string | undefined; view: string; refresh: () => void }) {
  const { search } = usePlace();
  const filter = search.get('filter') ?? '', order = search.get('order') ?? newest, page = search.get('page') ?? '';
  const refs = of.fields.filter((f) => f.type === 'ref').map((f) => f.name).slice(0, 16).join(',');
  const list = useApi<RecordList>(`/api/data/${of.name}${query({ filter, order_by: order, page_token: page, page_size: 25, expand: refs })}`);
  const before = useRef<string[]>([]); // the tokens of the pages that led here
  const [key = 'id', direction] = order.split(' ');
  const sortField = of.fields.find((f) => f.name === key);
  const at = (changes: Record<string, string>, record = '') => `/data/${of.name}${record && `/${record}`}${query({ filter, order: order === newest ? '' : order, page, ...changes })}`;
  const here = (record = '') => `/data/${of.name}${record && `/${record}`}${view}`;
  useKeys({ n: () => go(here('new'), { keepScroll: true }) });
  const turn = (token: string) => {
    before.current.push(page);
    go(at({ page: token }));
  };
  const back = () => go(at({ page: before.current.pop() ?? '' }));
  const done = (what: 'saved' | 'made' | 'gone', record?: Rec) => {
    list.again();
    refresh();
    if (what === 'gone') go(here(), { keepScroll: true });
    if (what === 'made') go(here(record?.id), { replace: true, keepScroll: true });
  };
  const rows = (list.data?.[of.name] as Rec[] | undefined) ?? [];
  const filterWrong = list.error?.problem.errors?.some((e) => e.parameter === 'filter' && e.code !== 'too_slow');
  return (
    <>
      <div className="data-bar">
        <div className="grow"><FilterBar of={of} all={declared.collections} value={filter} error={list.error} onApply={(f) => { before.current = []; go(at({ filter: f, page: '' }), { keepScroll: true }); }} /></div>
        <Button look="strong" icon="plus" onClick={() => go(here('new'), { keepScroll: true })}>New</Button>
      </div>
      {sortField && !sortField.served && order !== newest && <Note>No index starts with <code>{key}</code>: to sort by it, all records that fit are read. It is stopped after a second.</Note>}
      {list.error && !filterWrong && <ErrorNote error={list.error} again={list.again} />}
      {list.busy ? <div className="panel"><Bones lines={8} /></div> : rows.length > 0 ? (
        <div className="panel">
          <Table
            caption={`Records of ${of.name}`} hideCaption keys keepScroll rows={rows} id={(r) => r.id} href={(r) => here(r.id)} current={open}
            columns={columns(of, declared.collections)} sort={{ key, desc: direction === 'desc' }}
            onSort={(k) => { before.current = []; go(at({ order: k === key && direction !== 'desc' ? `${k} desc` : k === 'id' && order === newest ? 'id' : k, page: '' }), { keepScroll: true }); }}
          />
        </div>
      ) : !list.error && (
        <Empty icon="data" title={filter ? 'No record fits the filter' : page ? 'No more records' : `${of.name} is empty`}>
          {filter ? <p><a href={`/data/${of.name}`}>Show all</a></p> : <p>Press n to make the first one.</p>}
        </Empty>
      )}
      {(page || list.data?.next_page_token) && (
        <nav className="row" aria-label="Pages of records">
          <Button disabled={!page} onClick={back}>{before.current.length > 0 || !page ? 'Previous' : 'First page'}</Button>
          <Button disabled={!list.data?.next_page_token} onClick={() => turn(list.data?.next_page_token ?? '')}>Next</Button>
        </nav>
      )}
      {open === 'new' && <NewRecord declared={declared} of={of} onClose={() => go(here(), { keepScroll: true })} onDone={done} />}
      {open && open !== 'new' && <RecordDrawer key={open} id={open} declared={declared} of={of} onClose={() => go(here(), { keepScroll: true })} onDone={done} />}
    </>
  );
}

// columns puts first what a person knows a record by; the further to the right, the wider the table must be to show it.
function columns(of: Collection, all: Collection[]): Column<Rec>[] {
  const first = labelField(of);
  const declared = of.fields.filter((f) => !f.system);
  const id = of.fields[0] as Field;
  const order = [...(first?.unique ? [first, id] : [id, ...(first ? [first] : [])]), ...declared.filter((f) => f !== first), ...of.fields.filter((f) => f.name === 'create_time')];
  return order.map((f, i) => ({
    key: f.name, title: f.name, cell: (record: Rec) => <Cell of={of} all={all} field={f} record={record} />,
    end: ['int', 'float', 'count'].includes(f.type), tight: ['id', 'bool', 'time'].includes(f.type),
    sortable: f.type !== 'json' && f.type !== 'file', hint: `${f.type}${f.served ? '' : f.type === 'json' || f.type === 'file' ? '' : ': no index starts with it, sorting may be slow'}`,
    ...(i >= 8 ? { from: 'xl' as const } : i >= 5 ? { from: 'l' as const } : i >= 3 ? { from: 'm' as const } : {}),
  }));
}
