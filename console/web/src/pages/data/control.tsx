// The control that a field of a type is filled in with. What it gives is the value as the API takes it.
import { useEffect, useId, useState } from 'react';
import { call } from '../../api/client';
import { Button, Field as Labelled } from '../../parts';
import { bytes } from '../../say';
import { type Collection, type Field, label, labelField, type Rec, type StoredFile, type Value } from './types';

// Draft is what is being written: values as the API takes them, files as they were chosen, and texts that are no value yet.
export interface Draft {
  values: Record<string, Value>;
  files: Record<string, File>;
  bad: Record<string, string>; // what is wrong with what stands there
}

export const emptyDraft = (): Draft => ({ values: {}, files: {}, bad: {} });
export const changedFields = (d: Draft): string[] => [...new Set([...Object.keys(d.values), ...Object.keys(d.files), ...Object.keys(d.bad)])];

interface ControlProps {
  all: Collection[];
  field: Field;
  value: Value | undefined; // as it stands in the record, or as it was changed
  file: File | undefined;
  error: string | undefined;
  changed: boolean;
  onValue: (value: Value) => void;
  onFile: (file: File) => void;
  onBad: (why: string) => void;
  onUndo: () => void;
  asked?: boolean; // by somebody of the site, and not by an operator
}

export function Control(p: ControlProps) {
  const { field, changed, onUndo, asked } = p;
  const hint = [field.required && 'required', field.default === 'auth.id' ? asked ? 'as declared: who asks' : 'an operator has no account that it could be: choose one' : field.default !== undefined && `default ${field.default}`, field.match && `matches ${field.match}`, field.type === 'ref' && `an id of ${field.to}`, field.min !== undefined && `from ${field.min}`, field.max !== undefined && `up to ${field.max}`].filter(Boolean).join(' · ');
  return (
    <div className={`data-control ${changed ? 'changed' : ''}`}>
      <Labelled label={<><code>{field.name}</code> <span className="fine">{field.type}</span>{changed && <span className="chip accent">{asked ? 'set' : 'changed'}</span>}</>} hint={hint || undefined} error={p.error}>
        {(control) => <Input {...p} control={control} />}
      </Labelled>
      {changed && <Button look="quiet" onClick={onUndo}>Undo<span className="unseen"> the change of {field.name}</span></Button>}
    </div>
  );
}

type InputProps = ControlProps & { control: React.HTMLAttributes<HTMLElement> & { id: string } };

function Input(p: InputProps) {
  const { field, value, control, onValue } = p;
  switch (field.type) {
    case 'bool':
      return (
        <select {...control} value={value === true ? 'true' : value === false ? 'false' : ''} onChange={(e) => onValue(e.target.value === '' ? null : e.target.value === 'true')}>
          {(!field.required || value === null || value === undefined) && <option value="">{field.default === undefined ? 'no value' : `as declared: ${field.default}`}</option>}
          <option value="true">true</option>
          <option value="false">false</option>
        </select>
      );
    case 'select':
      return (
        <select {...control} value={(value as string) ?? ''} onChange={(e) => onValue(e.target.value || null)}>
          {(!field.required || !value) && <option value="">{field.default === undefined ? 'no value' : `as declared: ${field.default}`}</option>}
          {field.options?.map((o) => <option key={o}>{o}</option>)}
        </select>
      );
    case 'file':
      return <FileInput {...p} />;
    case 'ref':
      return <RefInput {...p} />;
    case 'time':
      return <Typed {...p} read={readTime} show={(v) => (v ? localTime(v as string) : '')} type="datetime-local" step="1" />;
    case 'int':
    case 'float':
      return <Typed {...p} read={field.type === 'int' ? readInt : readFloat} show={(v) => (v === null || v === undefined ? '' : String(v))} inputMode={field.type === 'int' ? 'numeric' : 'decimal'} />;
    case 'json':
      return <JSONInput {...p} />;
    default:
      return field.type === 'text' && !(field.max && field.max <= 120) && !field.unique ? (
        <textarea {...control} rows={3} value={(value as string) ?? ''} onChange={(e) => onValue(e.target.value)} />
      ) : (
        <input {...control} type={field.type === 'email' ? 'email' : field.type === 'url' ? 'url' : 'text'} value={(value as string) ?? ''} autoComplete="off" onChange={(e) => onValue(e.target.value === '' && !field.required && field.type !== 'text' ? null : e.target.value)} />
      );
  }
}

type Reading = { value: Value } | { bad: string };

interface TypedProps extends InputProps {
  read: (text: string) => Reading;
  show: (v: Value | undefined) => string;
  type?: string;
  step?: string;
  inputMode?: 'numeric' | 'decimal';
}

// Typed keeps what is typed until it is a value.
function Typed({ control, value, onValue, onBad, changed, read, show, type = 'text', step, inputMode }: TypedProps) {
  const [text, setText] = useState(show(value));
  useEffect(() => {
    if (!changed) setText(show(value));
  }, [changed, value]);
  return (
    <input
      {...control} type={type} step={step} inputMode={inputMode} value={text} autoComplete="off"
      onChange={(e) => {
        setText(e.target.value);
        const got = read(e.target.value);
        if ('bad' in got) onBad(got.bad);
        else onValue(got.value);
      }}
    />
  );
}

function readInt(text: string): Reading {
  if (text.trim() === '') return { value: null };
  if (!/^\s*[+-]?\d+\s*$/.test(text)) return { bad: 'a whole number is expected' };
  const n = Number(text);
  return Number.isSafeInteger(n) ? { value: n } : { bad: 'this page can’t send so large a number exactly' };
}

function readFloat(text: string): Reading {
  if (text.trim() === '') return { value: null };
  return Number.isFinite(Number(text)) ? { value: Number(text) } : { bad: 'a number is expected' };
}

function readTime(text: string): Reading {
  if (text === '') return { value: null };
  const d = new Date(text);
  return Number.isNaN(d.getTime()) ? { bad: 'a date and time is expected' } : { value: d.toISOString() };
}

// localTime is a moment as datetime-local writes it, in the reader's own time.
function localTime(at: string): string {
  const d = new Date(at);
  return new Date(d.getTime() - d.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

function JSONInput({ control, value, changed, onValue, onBad }: InputProps) {
  const show = (v: Value | undefined) => (v === null || v === undefined ? '' : JSON.stringify(v, null, 2));
  const [text, setText] = useState(show(value));
  useEffect(() => {
    if (!changed) setText(show(value));
  }, [changed, value]);
  return (
    <textarea
      {...control} className="input mono" rows={5} spellCheck={false} value={text}
      onChange={(e) => {
        setText(e.target.value);
        try {
          onValue(e.target.value.trim() === '' ? null : (JSON.parse(e.target.value) as Value));
        } catch (error) {
          onBad(`this is no JSON: ${error instanceof Error ? error.message : ''}`);
        }
      }}
    />
  );
}

// FileInput takes another file; the picture of one that was chosen is shown before it is sent.
function FileInput({ field, value, file, control, onFile, onValue }: InputProps) {
  const [shown, setShown] = useState('');
  useEffect(() => {
    if (!file || !/^image\//.test(file.type)) return setShown('');
    const reader = new FileReader(); // a data: URL, which the page's policy lets be shown
    reader.onload = () => setShown(String(reader.result));
    reader.readAsDataURL(file);
    return () => reader.abort();
  }, [file]);
  const there = value as StoredFile | null | undefined;
  return (
    <div className="stack-s">
      {file ? <p className="fine">{file.name} · {bytes(file.size)}</p> : there ? <p className="fine">{there.name || 'a file'} · {there.type} · {bytes(there.size)}</p> : <p className="fine">no file</p>}
      {shown && <img className="data-chosen" src={shown} alt="The file that was chosen" />}
      <div className="row">
        <input {...control} type="file" accept={field.accept?.join(',')} onChange={(e) => e.target.files?.[0] && onFile(e.target.files[0])} />
        {there && !file && !field.required && <Button look="quiet" onClick={() => onValue(null)}>Take it away</Button>}
      </div>
    </div>
  );
}

// RefInput takes an id, or finds one by what a person knows the record by.
function RefInput({ all, field, value, control, onValue, onBad }: InputProps) {
  const to = all.find((c) => c.name === field.to);
  const by = labelField(to);
  const [text, setText] = useState((value as string) ?? '');
  const [found, setFound] = useState<Rec[]>([]);
  const [now, setNow] = useState<Rec>();
  const list = useId();
  useEffect(() => setText((value as string) ?? ''), [value]);
  useEffect(() => {
    if (!to || !value) return setNow(undefined);
    const stop = new AbortController();
    call<Rec>('GET', `/api/data/${to.name}/${value as string}`, undefined, { signal: stop.signal }).then(setNow, () => setNow(undefined));
    return () => stop.abort();
  }, [to, value]);
  useEffect(() => {
    if (!to || !by || text.length < 2 || text === value) return setFound([]);
    const stop = new AbortController();
    const timer = setTimeout(() => {
      const filter = `${by.name}.contains(${JSON.stringify(text)})`;
      call<Record<string, Rec[]>>('GET', `/api/data/${to.name}?${new URLSearchParams({ filter, page_size: '8' })}`, undefined, { signal: stop.signal }).then((answer) => setFound(answer[to.name] ?? []), () => setFound([]));
    }, 250);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [to, by, text, value]);
  return (
    <>
      <input
        {...control} value={text} list={list} autoComplete="off" spellCheck={false}
        onChange={(e) => {
          const typed = e.target.value.trim();
          setText(e.target.value);
          if (typed === '') onValue(null);
          else if (/^[0-9a-z]{13}$/.test(typed)) onValue(typed);
          else onBad(`${by ? `choose one of those that are offered, or give` : 'give'} an id of ${field.to}: 13 characters`);
        }}
      />
      <datalist id={list}>{found.map((r) => <option key={r.id} value={r.id}>{label(to, r)}</option>)}</datalist>
      {now && to && <a className="fine" href={`/data/${to.name}/${now.id}`}>{label(to, now)}</a>}
    </>
  );
}
