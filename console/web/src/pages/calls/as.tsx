// Who a call is tried as: nobody, somebody of People, or an account that is signed in with its own password.
import { type FormEvent, useState } from 'react';
import { ApiError, call as ask, useApi } from '../../api/client';
import { Button, Choice, Dialog, ErrorNote, Field } from '../../parts';
import { Control } from '../data/control';
import { type Collection, label, type Rec, type Value } from '../data/types';
import type { Sender } from './order';
import type { Site } from './types';

type Accounts = { accounts: Record<string, string> };

// As is chosen by operators. name is how the one who asks is called.
export function As({ site, all, from, setFrom }: { site: Site; all: Collection[]; from: Sender; setFrom: (from: Sender) => void }) {
  const { data, set } = useApi<Accounts>('/api/try/accounts');
  const [open, setOpen] = useState(false);
  const [lent, setLent] = useState<{ account: string; name: string }>();
  const signedIn = data?.accounts[site.name];
  const name = lent?.name ?? signedIn;
  const somebody = lent ? { signedIn: false, account: lent.account } : { signedIn: true };
  const isSomebody = from.signedIn ? !!signedIn : !!from.account;
  return (
    <div className="row">
      <Choice
        label="Who asks" value={isSomebody ? 'somebody' : 'nobody'} onChange={(v) => (v === 'nobody' ? setFrom({ signedIn: false }) : name ? setFrom(somebody) : setOpen(true))}
        options={[{ value: 'nobody', label: 'As nobody' }, { value: 'somebody', label: name ? `As ${name}` : 'As an account …' }]}
      />
      {name && <Button look="quiet" onClick={() => setOpen(true)}>Another …</Button>}
      {open && (
        <Another
          site={site} all={all} onClose={() => setOpen(false)}
          onLent={(one) => {
            setLent(one);
            setFrom({ signedIn: false, account: one.account });
            setOpen(false);
          }}
          onSignedIn={(accounts) => {
            set(accounts);
            setLent(undefined);
            setFrom({ signedIn: true });
            setOpen(false);
          }}
        />
      )}
    </div>
  );
}

interface AnotherProps {
  site: Site;
  all: Collection[];
  onClose: () => void;
  onLent: (one: { account: string; name: string }) => void;
  onSignedIn: (accounts: Accounts) => void;
}

function Another({ site, all, onClose, onLent, onSignedIn }: AnotherProps) {
  const people = all.find((c) => c.accounts);
  const [how, setHow] = useState<'chosen' | 'password'>(people ? 'chosen' : 'password');
  return (
    <Dialog title={`An account of ${site.name}`} onClose={onClose}>
      <div className="stack-s">
        {people && <Choice label="How" value={how} onChange={setHow} options={[{ value: 'chosen', label: 'One of People' }, { value: 'password', label: 'With its password' }]} />}
        {people && how === 'chosen' ? <Chosen people={people} all={all} onClose={onClose} onLent={onLent} /> : <SignIn site={site} onClose={onClose} done={onSignedIn} />}
      </div>
    </Dialog>
  );
}

// Chosen takes one of the site's accounts. Its password is not asked for: a session is lent for each call, and taken back.
function Chosen({ people, all, onClose, onLent }: { people: Collection; all: Collection[]; onClose: () => void; onLent: AnotherProps['onLent'] }) {
  const [id, setId] = useState<Value>(null);
  const [bad, setBad] = useState('');
  const [error, setError] = useState<ApiError>();
  const take = async (event: FormEvent) => {
    event.preventDefault();
    if (typeof id !== 'string' || bad) return setBad(bad || 'choose somebody');
    try {
      onLent({ account: id, name: label(people, await ask<Rec>('GET', `/api/data/${people.name}/${id}`)) });
    } catch (e) {
      setError(e instanceof ApiError ? e : new ApiError(0, { detail: String(e) }));
    }
  };
  return (
    <form className="form" onSubmit={(e) => void take(e)}>
      <p className="soft">Its password is not asked for. Each call has a session of its own, which ends with the call, and the audit has it.</p>
      <Control
        all={all} field={{ name: 'account', type: 'ref', to: people.name, where: '' }} asked value={id} file={undefined} error={bad || undefined} changed={false}
        onValue={(v) => {
          setBad('');
          setId(v);
        }}
        onBad={setBad} onFile={() => {}} onUndo={() => {}}
      />
      {error && <ErrorNote error={error} />}
      <div className="buttons"><Button type="submit" look="strong">Ask as this one</Button><Button look="quiet" onClick={onClose}>Cancel</Button></div>
    </form>
  );
}

function SignIn({ site, onClose, done }: { site: Site; onClose: () => void; done: (all: Accounts) => void }) {
  const [error, setError] = useState<ApiError>();
  const [values, setValues] = useState({ login: '', password: '' });
  const send = (event: FormEvent) => {
    event.preventDefault();
    ask<Accounts>('POST', '/api/try/sign-in', { site: site.name, ...values }).then(done, (e: unknown) => setError(e instanceof ApiError ? e : new ApiError(0, { detail: String(e) })));
  };
  return (
    <form className="form" onSubmit={send}>
      <p className="soft">It is signed out when your session at the console ends.</p>
      <Field label="Account">{(c) => <input {...c} autoComplete="off" autoCapitalize="none" spellCheck={false} value={values.login} onChange={(e) => setValues({ ...values, login: e.target.value })} />}</Field>
      <Field label="Password">{(c) => <input {...c} type="password" autoComplete="off" value={values.password} onChange={(e) => setValues({ ...values, password: e.target.value })} />}</Field>
      {error && <ErrorNote error={error} />}
      <div className="buttons"><Button type="submit" look="strong">Sign in</Button><Button look="quiet" onClick={onClose}>Cancel</Button></div>
    </form>
  );
}
