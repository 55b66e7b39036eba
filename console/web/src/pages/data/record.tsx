// One record: what it has, and a form for what may be changed. Only what was changed is sent, for the version that was read.
import { useState } from 'react';
import { ApiError, call, request, useApi } from '../../api/client';
import { Ago, Button, Confirm, copy, Dialog, ErrorNote, Note, Ready, toast } from '../../parts';
import { plural } from '../../say';
import { Cell } from './cell';
import { changedFields, Control, type Draft, emptyDraft } from './control';
import { gone } from './schema';
import { type Collection, type Declared, label, type Rec, settable, type Value, writable } from './types';

interface Props {
  declared: Declared;
  of: Collection;
  onClose: () => void;
  onDone: (what: 'saved' | 'made' | 'gone', record?: Rec) => void;
}

const expanded = (of: Collection) => of.fields.filter((f) => f.type === 'ref').map((f) => f.name).slice(0, 16).join(',');
export const withRefs = (of: Collection): string => (expanded(of) ? `?expand=${expanded(of)}` : '');

// RecordDrawer shows a record at the side.
export function RecordDrawer({ id, ...p }: Props & { id: string }) {
  const { of } = p;
  const loaded = useApi<Rec>(`/api/data/${of.name}/${id}${withRefs(of)}`);
  return (
    <Dialog look="drawer" title={loaded.data ? <>{label(of, loaded.data)} <span className="fine">{of.name}</span></> : of.name} onClose={p.onClose}>
      <Ready of={loaded}>{(record) => <Edit {...p} key={record.id} record={record} onRecord={loaded.set} again={loaded.again} />}</Ready>
    </Dialog>
  );
}

function Edit({ declared, of, record, onRecord, again, onDone }: Props & { record: Rec; onRecord: (r: Rec) => void; again: () => void }) {
  const [draft, setDraft] = useState(emptyDraft);
  const [error, setError] = useState<ApiError>();
  const [theirs, setTheirs] = useState<Rec>();
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState(false);
  const fields = changedFields(draft);
  const save = async (over: Rec) => {
    setBusy(true);
    setError(undefined);
    try {
      const saved = await send('PATCH', `/api/data/${of.name}/${record.id}`, draft, { 'If-Match': `"${over.etag}"` });
      setDraft(emptyDraft());
      setTheirs(undefined);
      toast(`Saved ${plural(fields.length, 'field')} of ${label(of, saved)}`);
      onRecord(saved);
      again(); // with what its refs lead to
      onDone('saved', saved);
    } catch (e) {
      if (!(e instanceof ApiError)) throw e;
      if (e.status === 412) setTheirs(await call<Rec>('GET', `/api/data/${of.name}/${record.id}${withRefs(of)}`).catch(() => undefined));
      else setError(e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      className="stack" onSubmit={(e) => {
        e.preventDefault();
        void save(record);
      }}
    >
      <Facts of={of} all={declared.collections} record={record} />
      {theirs && (
        <Conflict
          of={of} all={declared.collections} draft={draft} before={record} theirs={theirs} busy={busy} onMine={() => void save(theirs)}
          onTheirs={() => {
            setDraft(emptyDraft());
            setTheirs(undefined);
            onRecord(theirs);
          }}
        />
      )}
      {error && <Wrong of={of} error={error} />}
      <Fields of={of} all={declared.collections} record={record} draft={draft} setDraft={setDraft} error={error} fields={of.fields.filter(writable)} />
      <div className="data-foot">
        <Button type="submit" look="strong" busy={busy} disabled={fields.length === 0 || Object.keys(draft.bad).length > 0}>{fields.length > 0 ? `Save ${plural(fields.length, 'change')}` : 'Nothing changed'}</Button>
        {fields.length > 0 && <Button look="quiet" onClick={() => setDraft(emptyDraft())}>Undo all</Button>}
        <span className="grow" />
        <Button look="quiet" icon="copy" onClick={() => void copy(JSON.stringify(plain(of, record), null, 2), 'Copied as JSON')}>JSON</Button>
        <Button look="quiet" icon="copy" onClick={() => void copy(curl(declared, of, record, draft), 'Copied as curl')}>curl</Button>
        <Button look="danger" onClick={() => setAsking(true)}>Delete</Button>
      </div>
      {asking && <Delete of={of} record={record} onClose={() => setAsking(false)} onGone={() => onDone('gone')} />}
    </form>
  );
}

// Facts is what can't be changed: what the server sets, counts, and what was set once.
function Facts({ of, all, record }: { of: Collection; all: Collection[]; record: Rec }) {
  return (
    <dl className="facts">
      <dt>id</dt><dd><button type="button" className="where" title="Copy the id" onClick={() => void copy(record.id, 'Copied the id')}>{record.id}</button></dd>
      <dt>created</dt><dd><Ago at={record.create_time} /></dd>
      <dt>changed</dt><dd><Ago at={record.update_time} /> <span className="soft">· version {record.etag}</span></dd>
      {of.fields.filter((f) => !f.system && !writable(f)).map((f) => [
        <dt key={f.name}>{f.name}</dt>,
        <dd key={`${f.name}-value`}><Cell of={of} all={all} field={f} record={record} full /> {f.immutable && <span className="soft fine">set once</span>}</dd>,
      ])}
      {of.fields.filter((f) => f.type === 'file' && record[f.name]).map((f) => [<dt key={f.name}>{f.name}</dt>, <dd key={`${f.name}-value`}><Cell of={of} all={all} field={f} record={record} full /></dd>])}
    </dl>
  );
}

function Fields({ all, record, draft, setDraft, error, fields }: { of: Collection; all: Collection[]; record?: Rec; draft: Draft; setDraft: (change: (was: Draft) => Draft) => void; error: ApiError | undefined; fields: Collection['fields'] }) {
  const without = <T,>(map: Record<string, T>, name: string) => Object.fromEntries(Object.entries(map).filter(([n]) => n !== name)) as Record<string, T>;
  const drop = (was: Draft, name: string): Draft => ({ values: without(was.values, name), files: without(was.files, name), bad: without(was.bad, name) });
  return (
    <div className="form">
      {fields.map((f) => {
        const stands = record?.[f.name] ?? null;
        const value = f.name in draft.values ? draft.values[f.name] : stands;
        return (
          <Control
            key={f.name} all={all} field={f} value={value} file={draft.files[f.name]} changed={f.name in draft.values || f.name in draft.files || f.name in draft.bad}
            error={draft.bad[f.name] ?? error?.problem.errors?.find((e) => e.pointer === `/${f.name}`)?.detail}
            onValue={(v) => setDraft((was) => (same(v, stands) ? drop(was, f.name) : { ...drop(was, f.name), values: { ...without(was.values, f.name), [f.name]: v } }))}
            onFile={(file) => setDraft((was) => ({ ...drop(was, f.name), files: { ...was.files, [f.name]: file } }))}
            onBad={(why) => setDraft((was) => ({ ...drop(was, f.name), bad: { ...was.bad, [f.name]: why } }))}
            onUndo={() => setDraft((was) => drop(was, f.name))}
          />
        );
      })}
    </div>
  );
}

const same = (a: Value, b: Value | undefined): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);

// Conflict shows what somebody else has written meanwhile beside what stands in the form; one of them is taken.
function Conflict({ of, all, draft, before, theirs, busy, onMine, onTheirs }: { of: Collection; all: Collection[]; draft: Draft; before: Rec; theirs: Rec; busy: boolean; onMine: () => void; onTheirs: () => void }) {
  const mine: Rec = { ...theirs, ...draft.values };
  const rows = of.fields.filter((f) => !f.system && (f.name in draft.values || f.name in draft.files || !same(theirs[f.name] ?? null, before[f.name] ?? null)));
  return (
    <div className="note warn data-conflict" role="alert">
      <div className="stack-s">
        <p><b>Somebody changed this record after you had read it.</b> Nothing of yours was written.</p>
        <table>
          <caption className="unseen">What differs</caption>
          <thead><tr><th scope="col">Field</th><th scope="col">You read</th><th scope="col">It is now</th><th scope="col">Yours</th></tr></thead>
          <tbody>
            {rows.map((f) => (
              <tr key={f.name}>
                <th scope="row"><code>{f.name}</code></th>
                <td><Cell of={of} all={all} field={f} record={before} /></td>
                <td><Cell of={of} all={all} field={f} record={theirs} /></td>
                <td>{draft.files[f.name]?.name ?? (f.name in draft.values ? <Cell of={of} all={all} field={f} record={mine} /> : <span className="soft">as it is now</span>)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <div className="buttons">
          <Button busy={busy} onClick={onMine}>Write mine over it</Button>
          <Button look="quiet" onClick={onTheirs}>Take what is there</Button>
        </div>
      </div>
    </div>
  );
}

// Wrong says what is wrong that stands at no field of the form.
function Wrong({ of, error }: { of: Collection; error: ApiError }) {
  const here = new Set(of.fields.map((f) => `/${f.name}`));
  const rest = error.problem.errors?.filter((e) => !e.pointer || !here.has(e.pointer)) ?? [];
  if (rest.length === 0 && error.problem.errors?.length) return null; // each stands at its field
  const { errors: _, ...problem } = error.problem;
  return <ErrorNote error={new ApiError(error.status, { ...problem, ...(rest.length > 0 ? { errors: rest } : {}) })} />;
}

function Delete({ of, record, onClose, onGone }: { of: Collection; record: Rec; onClose: () => void; onGone: () => void }) {
  const remove = async () => {
    await request('DELETE', `/api/data/${of.name}/${record.id}`, undefined, { headers: { 'If-Match': `"${record.etag}"` } });
    toast(`Deleted ${label(of, record)}`);
    onGone();
  };
  return (
    <Confirm title={`Delete ${label(of, record)}?`} word="Delete" danger act={remove} onClose={onClose}>
      <p>The record {record.id} of {of.name} goes for good. Whoever watches it sees it go.</p>
      {of.accounts && <p>It is an account: its sessions end.</p>}
      {of.from && <ul className="fine stack-s">{of.from.map((c) => <li key={c.collection + c.field}>A record of {c.collection} whose {c.field} it is: {gone(c.on_delete)}.</li>)}</ul>}
    </Confirm>
  );
}

// NewRecord makes a record.
export function NewRecord({ declared, of, onClose, onDone }: Props) {
  const [draft, setDraft] = useState(emptyDraft);
  const [error, setError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const [key] = useState(() => crypto.randomUUID()); // pressed twice, or sent again, it is made once
  const make = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const made = await send('POST', `/api/data/${of.name}`, draft, error ? {} : { 'Idempotency-Key': key });
      toast(`Made ${label(of, made)}`);
      onDone('made', made);
    } catch (e) {
      if (!(e instanceof ApiError)) throw e;
      setError(e);
      setBusy(false);
    }
  };
  return (
    <Dialog look="drawer" title={<>New <span className="fine">{of.name}</span></>} onClose={onClose}>
      <form
        className="stack" onSubmit={(e) => {
          e.preventDefault();
          void make();
        }}
      >
        {of.accounts && <Note tone="warn">A record of {of.name} alone can’t sign in: it has no password. <a href="/people">People</a> makes accounts that can.</Note>}
        {error && <Wrong of={of} error={error} />}
        <Fields of={of} all={declared.collections} draft={draft} setDraft={setDraft} error={error} fields={of.fields.filter(settable)} />
        <div className="data-foot">
          <Button type="submit" look="strong" busy={busy} disabled={Object.keys(draft.bad).length > 0}>Make it</Button>
          <Button look="quiet" onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}

// send sends a draft: as JSON, or as a form where there are files.
async function send(method: string, path: string, draft: Draft, headers: Record<string, string>): Promise<Rec> {
  if (Object.keys(draft.files).length === 0) return call<Rec>(method, path, draft.values, { headers });
  const form = new FormData();
  form.set('data', JSON.stringify(draft.values));
  for (const [name, file] of Object.entries(draft.files)) form.set(name, file);
  return call<Rec>(method, path, form, { headers });
}

// plain is a record without what was read along with it.
function plain(of: Collection, record: Rec): Record<string, unknown> {
  return Object.fromEntries(of.fields.map((f) => [f.name, record[f.name]]));
}

const quoted = (s: string) => `'${s.replaceAll("'", `'\\''`)}'`;

// curl is the same request at the site's own API, with the reader's own token to be put in.
function curl(declared: Declared, of: Collection, record: Rec, draft: Draft): string {
  const at = quoted(`${declared.api ?? 'https://HOST/api/'}${of.name}/${record.id}`);
  const who = `-H 'Authorization: Bearer TOKEN'`;
  if (Object.keys(draft.values).length === 0) return `curl ${who} ${at}`;
  return `curl -X PATCH ${who} -H 'Content-Type: application/json' -H ${quoted(`If-Match: "${record.etag}"`)} \\\n  -d ${quoted(JSON.stringify(draft.values))} ${at}`;
}

