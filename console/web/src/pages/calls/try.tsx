// Try it: the call is made the real way, and its journey says what became of it.
import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import { ApiError } from '../../api/client';
import { postEvents } from '../../api/live';
import { Button, Choice, ErrorNote, Field } from '../../parts';
import { bytes } from '../../say';
import { useMay } from '../../session';
import { Control } from '../data/control';
import '../data/data.css';
import { As } from './as';
import { type Answer, Came, type Stream, Streamed, type StreamEnd } from './came';
import { RecordFields } from './fields';
import { across, type Door, example, fieldsOf, type Files, orderOf, recordIn, type Sender, send, textOf } from './order';
import { jsonBody, pretty } from './snippets';
import type { Api, Call, Group, Parameter, Site } from './types';

interface Props {
  api: Api;
  site: Site;
  group: Group;
  call: Call;
}

export function TryIt(p: Props) {
  const may = useMay('operator');
  if (p.call.name === 'live' || (!may && !p.call.reads)) return null;
  return <Form {...p} may={may} />;
}

function Form({ api, site, group, call, may }: Props & { may: boolean }) {
  const of = api.collections.find((c) => c.name === group.name);
  const fields = may ? fieldsOf(of, call) : [];
  const connects = may && !!call.procedure;
  const [door, setDoor] = useState<Door>('rest');
  const [values, setValues] = useState<Record<string, string>>({});
  const [text, setText] = useState(() => (fields.length > 0 ? textOf('rest', call, example(call, fields)) : pretty(jsonBody(call)?.example ?? '')));
  const [other, setOther] = useState(() => pretty(call.message ?? '{}')); // the other door's, of calls that have no form of fields
  const [files, setFiles] = useState<Files>({});
  const [bad, setBad] = useState<Record<string, string>>({});
  const [form, setForm] = useState<'fields' | 'json'>('fields');
  const [from, setFrom] = useState<Sender>({ signedIn: false });
  const id = useId(); // of the form: who asks stands outside of it, because that has forms of its own
  const sent = useSent();
  const record = fields.length > 0 ? recordIn(door, call, text) : undefined;
  const through = (to: Door) => {
    if (to === door) return;
    if (fields.length > 0) {
      const there = across(to, call, text, values);
      setText(there.text);
      setValues(there.values);
    } else {
      setText(other);
      setOther(text);
    }
    setDoor(to);
  };
  const write = (as: 'fields' | 'json') => {
    setBad({}); // what is no value was never put into the body
    setForm(as);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (Object.keys(bad).length > 0) return;
    const draft = { door, values, text: door === 'connect' || call.bodies.length > 0 ? text : '', files: fields.length > 0 ? files : {}, from };
    const order = orderOf(site, call, draft);
    void (call.stream ? sent.watch(order) : sent.ask(() => send<Answer>(order, call, draft)));
  };
  const hasBody = door === 'connect' || call.bodies.length > 0;
  const inFields = form === 'fields' && fields.length > 0;
  const shown = call.parameters.filter((p) => door === 'rest' && (p.in !== 'header' || p.name === 'If-Match' || p.name === 'Idempotency-Key'));
  return (
    <section className="panel" aria-label="Try it">
      <header>
        <h3>Try it</h3>
        {connects && <Choice label="Door" value={door} onChange={through} options={[{ value: 'rest', label: 'REST' }, { value: 'connect', label: 'Connect' }]} />}
      </header>
      <div className="body stack-s">
        <form className="form" id={id} onSubmit={submit}>
          {shown.length > 0 && <div className="calls-inputs">
            {shown.map((p) => <Input key={p.in + p.name} of={p} group={of && may ? group.name : ''} all={api.collections} value={values[p.name] ?? ''} onValue={(v) => setValues((was) => ({ ...was, [p.name]: v }))} />)}
          </div>}
          {hasBody && fields.length > 0 && <Choice label="The body as" value={form} onChange={write} options={[{ value: 'fields', label: 'Fields' }, { value: 'json', label: 'JSON' }]} />}
          {hasBody && inFields && record && door === 'connect' && call.name === 'update' && <Id of={group.name} all={api.collections} value={String(record.id ?? '')} onValue={(id) => setText(textOf(door, call, { ...record, id }))} />}
          {hasBody && inFields && (record
            ? <RecordFields all={api.collections} fields={fields} record={record} files={files} bad={bad} onRecord={(r) => setText(textOf(door, call, r))} onFiles={setFiles} onBad={setBad} />
            : <p className="tone-down" role="alert">The body is no JSON that has fields: mend it as JSON.</p>)}
          {hasBody && !inFields && <Field label="Body" hint={hintOf(door, files)}>
            {(c) => <textarea {...c} className="input mono" rows={Math.min(14, text.split('\n').length + 1)} spellCheck={false} value={text} onChange={(e) => setText(e.target.value)} />}
          </Field>}
        </form>
        <div className="row spread">
          {may ? <As site={site} all={api.collections} from={from} setFrom={setFrom} /> : <span className="fine">As nobody</span>}
          <Button type="submit" form={id} look="strong" busy={sent.busy} disabled={Object.keys(bad).length > 0}>{sent.busy ? (call.stream ? 'Watching …' : 'On its way …') : call.stream ? 'Watch' : 'Send'}</Button>
        </div>
        {!call.reads && !call.stream && <p className="fine">This changes what is really there, and stands in the audit.</p>}
        <div aria-live={call.stream ? 'off' : 'polite'} className="stack-s" aria-busy={sent.busy && !sent.stream}>
          {sent.error && <ErrorNote error={sent.error} />}
          {sent.answer && <Came key={sent.answer.journey} answer={sent.answer} />}
          {sent.stream && <Streamed of={sent.stream} onStop={sent.stop} />}
        </div>
      </div>
    </section>
  );
}

// hintOf says what a body means at a door, and which files go with it.
function hintOf(door: Door, files: Files): string | undefined {
  const names = Object.entries(files).map(([field, f]) => `${field}: ${f.name}, ${bytes(f.size)}`).join('; ');
  if (names) return `${names} ${door === 'rest' ? 'goes with it, as a form' : 'is put into it, in base64'}`;
  return door === 'rest' ? undefined : 'JSON of the message; bytes are in base64';
}

// Input is one parameter; the id of a record is looked up.
function Input({ of: p, group, all, value, onValue }: { of: Parameter; group: string; all: Api['collections']; value: string; onValue: (v: string) => void }) {
  if (p.in === 'path' && p.name === 'id' && group) return <Id of={group} all={all} value={value} onValue={onValue} />;
  return (
    <Field label={p.name} hint={p.in === 'query' ? undefined : p.in}>
      {(c) => <input {...c} className="input mono" value={value} placeholder={p.example} required={p.in === 'path'} autoComplete="off" spellCheck={false} onChange={(e) => onValue(e.target.value)} />}
    </Field>
  );
}

// Id is the id of a record, which is found by what people know it by.
function Id({ of, all, value, onValue }: { of: string; all: Api['collections']; value: string; onValue: (v: string) => void }) {
  const [bad, setBad] = useState('');
  return (
    <Control
      all={all} field={{ name: 'id', type: 'ref', to: of, where: '' }} asked value={value || null} file={undefined} error={bad || undefined} changed={false}
      onValue={(v) => {
        setBad('');
        onValue(typeof v === 'string' ? v : '');
      }}
      onBad={setBad} onFile={() => {}} onUndo={() => {}}
    />
  );
}

// useSent makes calls, one at a time, and keeps what came of the last one.
function useSent() {
  const [busy, setBusy] = useState(false);
  const [answer, setAnswer] = useState<Answer>();
  const [stream, setStream] = useState<Stream>();
  const [error, setError] = useState<ApiError>();
  const stopper = useRef<AbortController>(undefined);
  useEffect(() => () => stopper.current?.abort(), []);
  const begin = () => {
    setBusy(true);
    setError(undefined);
  };
  const fail = (e: unknown) => {
    setAnswer(undefined);
    setStream(undefined);
    setError(e instanceof ApiError ? e : new ApiError(0, { detail: String(e) }));
  };
  const ask = async (make: () => Promise<Answer>) => {
    if (busy) return;
    begin();
    try {
      setAnswer(await make());
    } catch (e) {
      fail(e);
    }
    setBusy(false);
  };
  const watch = async (order: object) => {
    if (busy) return;
    begin();
    const mine = (stopper.current = new AbortController());
    let now: Stream = { messages: [] };
    const show = (part: Partial<Stream>) => setStream((now = { ...now, ...part }));
    show({});
    try {
      for await (const { event, data } of postEvents('/api/try/stream', order, mine.signal)) {
        if (event === 'answer') show({ answer: data as Answer });
        if (event === 'message') show({ messages: [...now.messages, (data as { text: string }).text] });
        if (event === 'end') show({ end: data as StreamEnd });
      }
      if (!now.end) show({ end: { why: 'gone' } });
    } catch (e) {
      if (mine.signal.aborted) show({ end: { why: 'stopped' } });
      else if (now.answer) show({ end: { why: 'gone' } });
      else fail(e);
    }
    setBusy(false);
  };
  return { busy, answer, stream, error, ask, watch, stop: () => stopper.current?.abort() };
}
