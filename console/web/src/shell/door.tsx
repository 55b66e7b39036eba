// The door: sign in, or come in by a one-time link (/#claim=TOKEN).
import { type FormEvent, type ReactNode, useEffect, useState } from 'react';
import { ApiError, call } from '../api/client';
import { Button, ErrorNote, Field, Logo, Note } from '../parts';
import { useKnown } from '../session';

export function Door() {
  const [token] = useState(() => new URLSearchParams(location.hash.slice(1)).get('claim'));
  useEffect(() => {
    document.title = 'Sign in · Roundtrip';
    if (token) history.replaceState(null, '', location.pathname); // it is of use once, and belongs in no history
  }, [token]);
  return (
    <main className="door">
      <div className="brand"><Logo />Roundtrip</div>
      {token ? <Claim token={token} /> : <SignIn />}
    </main>
  );
}

// useSend sends a form, then asks who is signed in.
function useSend(path: string) {
  const { refresh } = useKnown();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const send = async (event: FormEvent<HTMLFormElement>, more: object = {}) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(undefined);
    try {
      await call('POST', path, { ...more, ...Object.fromEntries(new FormData(event.currentTarget)) });
      await refresh();
    } catch (e) {
      if (!(e instanceof ApiError)) throw e;
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, send };
}

function SignIn() {
  const { ended } = useKnown();
  const { busy, error, send } = useSend('/api/sign-in');
  return (
    <div>
      <h1>Sign in</h1>
      {ended && <Note icon="clock"><p>Your session has ended: the server was started anew, or it was too long ago.</p></Note>}
      <form className="form" onSubmit={(e) => void send(e)}>
        <NameAndPassword newPassword={false} />
        {error && <ErrorNote error={error} />}
        <Button type="submit" look="strong" busy={busy}>Sign in</Button>
        <p className="fine">No account, or a lost password? On the machine of the server, <code>roundtrip operator link</code> prints a link that lets you in once.</p>
      </form>
    </div>
  );
}

// Claim comes in by a link. The one that dev prints lets its reader in as they are; others make an account, so that a name
// and a password are asked for when the server says that they are missing.
function Claim({ token }: { token: string }) {
  const { refresh } = useKnown();
  const [step, setStep] = useState<'trying' | 'asking' | ApiError>('trying');
  useEffect(() => {
    call('POST', '/api/claim', { token }).then(refresh, (e: ApiError) => setStep(e.problem.reason === 'console.link_dead' || e.status === 0 || e.status === 429 ? e : 'asking'));
  }, [token, refresh]);
  if (step === 'trying') return <p className="soft" role="status">Coming in …</p>;
  if (step === 'asking') return <NewOperator token={token} />;
  return (
    <div className="stack-s">
      <h1>This link does not open any more</h1>
      <ErrorNote error={step} />
      <p className="fine">A link lets in once, and for some minutes. <code>roundtrip operator link</code> prints another one, on the machine of the server.</p>
      <p><a href="/" onClick={() => location.replace('/')}>Sign in with a password</a></p>
    </div>
  );
}

function NewOperator({ token }: { token: string }) {
  const { busy, error, send } = useSend('/api/claim');
  return (
    <div>
      <h1>Welcome in</h1>
      <p className="soft">Your link is good. Choose the name and the password that you come back with.</p>
      <form className="form" onSubmit={(e) => void send(e, { token })}>
        <NameAndPassword newPassword />
        {error && <ErrorNote error={error} />}
        <Button type="submit" look="strong" busy={busy}>Come in</Button>
      </form>
    </div>
  );
}

function NameAndPassword({ newPassword }: { newPassword: boolean }): ReactNode {
  return (
    <>
      <Field label="Name" hint={newPassword ? 'It stands in the audit beside what you do.' : undefined}>
        {(c) => <input {...c} name="name" autoComplete="username" autoCapitalize="none" spellCheck={false} required autoFocus />}
      </Field>
      <Field label="Password">
        {(c) => <input {...c} name="password" type="password" autoComplete={newPassword ? 'new-password' : 'current-password'} required />}
      </Field>
    </>
  );
}
