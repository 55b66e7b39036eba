// Why: a request goes the way that a browser would go, and each station says what it saw, on both sides.
import { type FormEvent, useRef, useState } from 'react';
import { ApiError, useApi } from '../api/client';
import { postEvents } from '../api/live';
import type { Journey, WhyAnswer, WhyStep } from '../api/types';
import { Button, Chip, Empty, ErrorNote, Field, Icon, Snippet, VerdictMark, Where, copy } from '../parts';
import { go, usePlace } from '../router';
import { duration, sentence } from '../say';
import { useMay } from '../session';
import { Page } from '../shell/page';
import './why.css';

interface Run {
  order: Order;
  steps: WhyStep[];
  answer?: WhyAnswer;
  error?: ApiError;
  busy: boolean;
}

interface Order {
  url: string;
  method: string;
  origin: string;
  as: string;
  headers: Record<string, string[]>;
  body: string;
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

export default function WhyPage() {
  const { search } = usePlace();
  const may = useMay('operator');
  const [run, setRun] = useState<Run>();
  const stop = useRef<AbortController>(undefined);
  const start = async (order: Order) => {
    stop.current?.abort();
    const mine = (stop.current = new AbortController());
    go(`/why?${new URLSearchParams({ url: order.url, ...(order.method !== 'GET' && { method: order.method }), ...(order.origin && { origin: order.origin }), ...(order.body && { body: order.body }) })}`, { replace: true, keepScroll: true });
    let now: Run = { order, steps: [], busy: true };
    const show = (part: Partial<Run>) => mine.signal.aborted || setRun((now = { ...now, ...part }));
    show({});
    try {
      for await (const { event, data } of postEvents('/api/why', order, mine.signal)) {
        if (event === 'step') show({ steps: [...now.steps, data as WhyStep] });
        if (event === 'answer') show({ answer: data as WhyAnswer, steps: (data as WhyAnswer).steps ?? now.steps });
        if (event === 'problem') show({ error: new ApiError((data as { status?: number }).status ?? 500, data as object) });
      }
    } catch (e) {
      show({ error: e instanceof ApiError ? e : new ApiError(0, { detail: String(e) }) });
    }
    show({ busy: false });
  };
  return (
    <Page title="Why" lead="Why does this request not work? It is made once, the way a browser would make it. Each station says what it saw, on this side and on the server’s.">
      {!may ? <Empty icon="why" title="To ask why is for operators and owners"><p>It makes a request, in the name of an account if you like. What each journey met, and who stopped it, you may see without.</p></Empty> : <div className="why">
        <div className="panel why-form"><Form key={search.get('url')} busy={run?.busy ?? false} start={start} from={search} /></div>
        <div className="why-found" aria-live="polite" aria-busy={run?.busy ?? false}>{run ? <Found run={run} /> : <Examples start={start} />}</div>
      </div>}
    </Page>
  );
}

function Form({ busy, start, from }: { busy: boolean; start: (order: Order) => Promise<void>; from: URLSearchParams }) {
  const [wrong, setWrong] = useState('');
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? '').trim();
    const url = /^[a-z]+:\/\//.test(text('url')) ? text('url') : `https://${text('url')}`;
    const headers = headersOf(text('headers'));
    if (typeof headers === 'string') return setWrong(headers);
    setWrong('');
    void start({ url, method: text('method'), origin: text('origin'), as: text('as'), headers, body: text('body') });
  };
  return (
    <form className="form body" onSubmit={send}>
      <Field label="Address">{(c) => <input {...c} name="url" required inputMode="url" spellCheck={false} autoCapitalize="none" placeholder="https://gallery.localhost:8443/api/photos" defaultValue={from.get('url') ?? ''} />}</Field>
      <div className="two">
        <Field label="Method">{(c) => <select {...c} name="method" defaultValue={from.get('method') ?? 'GET'}>{methods.map((m) => <option key={m}>{m}</option>)}</select>}</Field>
        <Field label="Origin" hint="the page that asks; none for other programs">{(c) => <input {...c} name="origin" spellCheck={false} placeholder="https://shop.example" defaultValue={from.get('origin') ?? ''} />}</Field>
      </div>
      <Field label="As" hint="the login of an account; empty: a stranger">{(c) => <input {...c} name="as" autoComplete="off" autoCapitalize="none" spellCheck={false} defaultValue={from.get('as') ?? ''} />}</Field>
      <Field label="Headers" hint="one a line" error={wrong}>{(c) => <textarea {...c} className="input mono" name="headers" rows={2} spellCheck={false} placeholder="Content-Type: application/json" />}</Field>
      <Field label="Body" hint="JSON goes as application/json where no header says otherwise">{(c) => <textarea {...c} className="input mono" name="body" rows={2} spellCheck={false} placeholder='{"caption": "sunset"}' defaultValue={from.get('body') ?? ''} />}</Field>
      <Button type="submit" look="strong" icon="why" busy={busy}>{busy ? 'On its way …' : 'Find out why'}</Button>
    </form>
  );
}

// headersOf reads lines of NAME: VALUE; a string says what is wrong.
function headersOf(text: string): Record<string, string[]> | string {
  const headers: Record<string, string[]> = {};
  for (const line of text.split('\n').filter((l) => l.trim())) {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/.exec(line.trim()) ?? [];
    if (!name) return `“${line.trim()}” is no header: write NAME: VALUE`;
    (headers[name] ??= []).push(value ?? '');
  }
  return headers;
}

// Examples are asked with one click, as nobody: what they send changes nothing. A link to this page fills the form in and sends
// nothing, since a link may be anybody's.
function Examples({ start }: { start: (order: Order) => Promise<void> }) {
  const { data } = useApi<{ journeys: Journey[] | null }>('/api/journeys?kinds=request&n=50');
  const host = data?.journeys?.find((j) => j.status !== 421 && j.host && !/^[\d.:[\]]+$/.test(j.host) && j.hops.some((h) => h.layer === 'tls'))?.host ?? 'localhost:8443';
  const site = `https://${host}`;
  const list: [string, string, Partial<Order> & { url: string }][] = [
    ['Does the site answer?', `${site}/`, { url: `${site}/` }],
    ['May a page of another site write?', `POST ${site}/api/, from https://shop.example`, { url: `${site}/api/`, method: 'POST', origin: 'https://shop.example', body: '{}' }],
    ['A path that is not there', `${site}/api/nothing`, { url: `${site}/api/nothing` }],
    ['A site of somebody else', 'https://example.com/', { url: 'https://example.com/' }],
  ];
  return (
    <Empty icon="why" title="What doesn’t work?">
      <p>Put in the address that fails. Or begin with one of these:</p>
      <ul className="examples">{list.map(([title, what, values]) => <li key={title}><button type="button" onClick={() => void start({ method: 'GET', origin: '', as: '', headers: {}, body: '', ...values })}><b>{title}</b><code>{what}</code></button></li>)}</ul>
    </Empty>
  );
}

function Found({ run }: { run: Run }) {
  const a = run.answer;
  return (
    <div className="stack">
      {a && <Answer of={a} />}
      {run.error && <ErrorNote error={run.error} />}
      <ol className="steps panel" aria-label="Steps">
        {run.steps.map((s, i) => <Step key={s.number} of={s} stopped={a?.stopped === i} />)}
        {run.busy && <li className="step going"><span className="dot" /><span className="soft">asking the next station …</span></li>}
        {!run.busy && run.steps.length === 0 && !run.error && <li className="step"><span className="soft">Nothing was tried.</span></li>}
      </ol>
      {a && <After of={a} order={run.order} />}
    </div>
  );
}

function Answer({ of: a }: { of: WhyAnswer }) {
  return (
    <div className={`verdict ${a.well ? 'well' : 'down'}`} role="note">
      <span className="seal"><Icon name={a.well ? 'check' : 'cross'} /></span>
      <div className="stack-s">
        <p className="said">{headed(a.sentence)}</p>
        {a.fix && <Fix text={a.fix} where={a.where} />}
        <p className="chips">
          {a.reason && <Chip href={`/reasons/${a.reason}`}>{a.flag && <b className="mono">{a.flag}</b>}{a.reason}</Chip>}
          {a.foreign && <Chip>another server: only this side is known</Chip>}
        </p>
      </div>
    </div>
  );
}

// Fix says what to do: in words, or as the line of the declaration as it should be.
function Fix({ text, where }: { text: string; where: string | undefined }) {
  const place = where && <Where at={where} />;
  if (!/^[a-z_]+: [[{].*[\]}]$/.test(text)) return <p><b>Fix:</b> {sentence(text)} {place}</p>;
  return <div className="stack-s"><p><b>Fix:</b> {place}</p><Snippet text={text} label="Copy the line" /></div>;
}

// headed is a sentence whose beginning, up to its colon, is what matters most: Stopped at CORS: …
function headed(text: string) {
  const at = text.indexOf(': ');
  return at > 0 && at < 60 ? <><b>{sentence(text.slice(0, at))}</b> {sentence(text.slice(at + 2))}</> : <b>{sentence(text)}</b>;
}

function Step({ of: s, stopped }: { of: WhyStep; stopped: boolean }) {
  return (
    <li className={`step ${stopped ? 'stopped' : ''}`}>
      <span className="number" aria-hidden="true">{s.number}</span>
      <div>
        <p className="step-head"><VerdictMark of={s.verdict} /> <b>{s.title}</b> {s.flag && <span className="mono tone-down" title={s.reason}>{s.flag}</span>} <span>{sentence(s.sentence)}</span></p>
        {s.notes?.map((n) => <p key={n} className="fine">{sentence(n)}</p>)}
              </div>
      <span className="sides-of fine"><span>{s.side}</span>{s.evidence && s.evidence !== 'seen' && <em>{s.evidence}</em>}</span>
      <span className="fine took">{s.ms > 0 ? duration(s.ms) : ''}</span>
    </li>
  );
}

function After({ of: a, order }: { of: WhyAnswer; order: Order }) {
  const quote = (s: string) => `'${s.replaceAll("'", "'\\''")}'`;
  const command = ['roundtrip why', quote(order.url), order.method !== 'GET' && `-X ${order.method}`, order.origin && `--origin ${quote(order.origin)}`, order.as && `--as ${quote(order.as)}`,
    ...Object.entries(order.headers).flatMap(([n, all]) => all.map((v) => `-H ${quote(`${n}: ${v}`)}`)), order.body && `-d ${quote(order.body)}`].filter(Boolean).join(' ');
  return (
    <div className="stack-s">
      {(a.unknown ?? []).length > 0 && (
        <section className="stack-s" aria-label="What can’t be known from here">
          <h2>What can’t be known from here</h2>
          <ul className="unknowns">{a.unknown?.map((u) => <li key={u}>{sentence(u)}</li>)}</ul>
        </section>
      )}
      <div className="buttons">
        {a.journey && <Button icon="journeys" onClick={() => go(`/journeys/${a.journey}`)}>The server’s record</Button>}
        <Button icon="copy" onClick={() => copy(command, 'Copied the command')}>Command</Button>
      </div>
    </div>
  );
}
