// Try it: the call is made the real way, and its journey says what became of it.
import { type FormEvent, useState } from 'react';
import { ApiError, call as ask, useApi } from '../../api/client';
import type { Journey } from '../../api/types';
import { Button, Chip, Choice, Dialog, ErrorNote, Field, Snippet, Where } from '../../parts';
import { duration, sentence } from '../../say';
import { useMay } from '../../session';
import '../journeys/journeys.css';
import { Waterfall } from '../journeys/waterfall';
import { jsonBody, pretty } from './snippets';
import type { Call, Site } from './types';

interface Answer {
  status: number;
  proto: string;
  headers: Record<string, string[]>;
  body: string;
  binary?: boolean;
  cut?: boolean;
  ms: number;
  journey: string;
}

type Accounts = { accounts: Record<string, string> };

export function TryIt({ site, call }: { site: Site; call: Call }) {
  const may = useMay('operator');
  if (!may && (!call.reads || call.name === 'live')) return null;
  if (call.name === 'live') return null;
  return <Form site={site} call={call} may={may} />;
}

function Form({ site, call, may }: { site: Site; call: Call; may: boolean }) {
  const connects = may && !!call.procedure && !call.stream;
  const onlyForm = call.bodies.length > 0 && !jsonBody(call);
  const [door, setDoor] = useState<'rest' | 'connect'>(onlyForm && connects ? 'connect' : 'rest');
  const [values, setValues] = useState<Record<string, string>>({});
  const [texts, setTexts] = useState({ rest: pretty(jsonBody(call)?.example ?? ''), connect: pretty(call.message ?? '{}') });
  const [as, setAs] = useState(false);
  const [busy, setBusy] = useState(false);
  const [answer, setAnswer] = useState<Answer>();
  const [error, setError] = useState<ApiError>();
  const rest = door === 'rest';
  const hasBody = !rest || call.bodies.length > 0;
  const shown = call.parameters.filter((p) => rest && (p.in !== 'header' || p.name === 'If-Match' || p.name === 'Idempotency-Key'));
  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(undefined);
    try {
      setAnswer(await ask<Answer>('POST', '/api/try', order(site, call, door, values, hasBody ? texts[door] : '', as)));
    } catch (e) {
      setAnswer(undefined);
      setError(e instanceof ApiError ? e : new ApiError(0, { detail: String(e) }));
    }
    setBusy(false);
  };
  return (
    <section className="panel" aria-label="Try it">
      <header>
        <h3>Try it</h3>
        {connects && <Choice label="Door" value={door} onChange={setDoor} options={[...(onlyForm ? [] : [{ value: 'rest' as const, label: 'REST' }]), { value: 'connect' as const, label: 'Connect' }]} />}
      </header>
      <div className="body stack-s">
        {onlyForm && !connects ? <p className="soft">It takes a form with a file: copy it as curl.</p> : (
          <form className="form" onSubmit={(e) => void send(e)}>
            {shown.length > 0 && <div className="calls-inputs">
              {shown.map((p) => (
                <Field key={p.in + p.name} label={p.name} hint={p.in === 'query' ? undefined : p.in}>
                  {(c) => <input {...c} className="input mono" value={values[p.name] ?? ''} placeholder={p.example} required={p.in === 'path'} autoComplete="off" spellCheck={false} onChange={(e) => setValues({ ...values, [p.name]: e.target.value })} />}
                </Field>
              ))}
            </div>}
            {hasBody && <Field label="Body" hint={rest ? undefined : 'JSON of the message; bytes are in base64'}>
              {(c) => <textarea {...c} className="input mono" rows={Math.min(14, texts[door].split('\n').length + 1)} spellCheck={false} value={texts[door]} onChange={(e) => setTexts({ ...texts, [door]: e.target.value })} />}
            </Field>}
            <div className="row spread">
              {may ? <As site={site} as={as} setAs={setAs} /> : <span className="fine">As nobody</span>}
              <Button type="submit" look="strong" busy={busy}>{busy ? 'On its way …' : 'Send'}</Button>
            </div>
            {!call.reads && <p className="fine">This changes what is really there, and stands in the audit.</p>}
          </form>
        )}
        <div aria-live="polite" className="stack-s" aria-busy={busy}>
          {error && <ErrorNote error={error} />}
          {answer && <Came key={answer.journey} answer={answer} />}
        </div>
      </div>
    </section>
  );
}

// order is the request that the form means.
function order(site: Site, call: Call, door: 'rest' | 'connect', values: Record<string, string>, body: string, as: boolean) {
  if (door === 'connect') return { site: site.name, method: 'POST', path: `/${call.procedure}`, headers: { 'Content-Type': 'application/json' }, body, as };
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  let path = call.path;
  for (const p of call.parameters) {
    const value = (values[p.name] ?? '').trim();
    if (p.in === 'path') path = path.replace(`{${p.name}}`, encodeURIComponent(value));
    else if (value && p.in === 'query') query.append(p.name, value);
    else if (value) headers[p.name] = value;
  }
  const type = jsonBody(call)?.type;
  if (body && type) headers['Content-Type'] = type;
  const end = query.toString();
  return { site: site.name, method: call.method, path: path + (end && `?${end}`), headers, body, as };
}

// As chooses who asks: nobody, or an account that is signed in with its own password.
function As({ site, as, setAs }: { site: Site; as: boolean; setAs: (as: boolean) => void }) {
  const { data, set } = useApi<Accounts>('/api/try/accounts');
  const [open, setOpen] = useState(false);
  const name = data?.accounts[site.name];
  return (
    <div className="row">
      <Choice
        label="Signed in as" value={as && name ? 'account' : 'nobody'} onChange={(v) => (v === 'nobody' ? setAs(false) : name ? setAs(true) : setOpen(true))}
        options={[{ value: 'nobody', label: 'As nobody' }, { value: 'account', label: name ? `As ${name}` : 'As an account …' }]}
      />
      {name && <Button look="quiet" onClick={() => setOpen(true)}>Another …</Button>}
      {open && <SignIn site={site} onClose={() => setOpen(false)} done={(all) => {
        set(all);
        setAs(true);
        setOpen(false);
      }} />}
    </div>
  );
}

function SignIn({ site, onClose, done }: { site: Site; onClose: () => void; done: (all: Accounts) => void }) {
  const [error, setError] = useState<ApiError>();
  const [values, setValues] = useState({ login: '', password: '' });
  const send = (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    ask<Accounts>('POST', '/api/try/sign-in', { site: site.name, ...values }).then(done, (e: unknown) => setError(e instanceof ApiError ? e : new ApiError(0, { detail: String(e) })));
  };
  return (
    <Dialog title={`Sign in at ${site.name}`} onClose={onClose}>
      <div className="form">
        <p className="soft">As one of the site’s accounts, with its own password. It is signed out when you sign out of the console.</p>
        <Field label="Account">{(c) => <input {...c} autoComplete="off" autoCapitalize="none" spellCheck={false} value={values.login} onChange={(e) => setValues({ ...values, login: e.target.value })} />}</Field>
        <Field label="Password">{(c) => <input {...c} type="password" autoComplete="off" value={values.password} onChange={(e) => setValues({ ...values, password: e.target.value })} onKeyDown={(e) => e.key === 'Enter' && send(e)} />}</Field>
        {error && <ErrorNote error={error} />}
        <div className="buttons"><Button look="strong" onClick={send}>Sign in</Button><Button look="quiet" onClick={onClose}>Cancel</Button></div>
      </div>
    </Dialog>
  );
}

function Came({ answer: a }: { answer: Answer }) {
  const { data } = useApi<{ journey: Journey }>(a.journey ? `/api/journeys/${a.journey}` : null);
  const j = data?.journey;
  const headers = Object.entries(a.headers).flatMap(([name, all]) => all.map((v) => `${name.toLowerCase()}: ${v}`)).sort().join('\n');
  return (
    <div className="stack-s" role="group" aria-label="The answer">
      <p className="chips"><Chip tone={a.status < 400 ? 'well' : 'down'}><b>{a.status}</b></Chip><Chip>{a.proto}</Chip><Chip>{duration(a.ms)}</Chip>{a.cut && <Chip>cut off</Chip>}{j && <Chip href={`/journeys/${a.journey}`}>its journey</Chip>}</p>
      {j?.sentence && a.status >= 400 && <div className="stack-s"><p><b>{sentence(j.sentence)}</b></p>{j.fix && <p>Fix: {sentence(j.fix)} {j.where && <Where at={j.where} />}</p>}{j.reason && <p className="chips"><Chip href={`/reasons/${j.reason}`}>{j.reason}</Chip></p>}</div>}
      {a.binary ? <p className="soft">The body is no text.</p> : a.body && <div className="calls-answer"><Snippet text={pretty(a.body)} label="Copy the body" /></div>}
      <details><summary className="soft">Headers</summary><Snippet text={headers} label="Copy the headers" /></details>
      {j && <Waterfall of={j} />}
    </div>
  );
}
