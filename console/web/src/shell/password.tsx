// Another password for who is signed in.
import { type FormEvent, useState } from 'react';
import { ApiError, call } from '../api/client';
import { Button, Dialog, ErrorNote, Field, toast } from '../parts';
import { useSession } from '../session';

export function Password({ onClose }: { onClose: () => void }) {
  const { name } = useSession();
  const [values, setValues] = useState({ current: '', password: '' });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const wrong = (pointer: string) => error?.problem.errors?.find((e) => e.pointer === pointer)?.detail;
  const known = wrong('/current') || wrong('/password');
  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(undefined);
    try {
      await call('POST', '/api/password', values);
      toast('Your password is changed');
      onClose();
    } catch (e) {
      setError(e instanceof ApiError ? e : new ApiError(0, { detail: String(e) }));
      setBusy(false);
    }
  };
  return (
    <Dialog title="Change your password" onClose={onClose}>
      <form className="form" onSubmit={(e) => void send(e)}>
        <input className="unseen" name="username" autoComplete="username" value={name} readOnly tabIndex={-1} aria-hidden="true" />
        <Field label="Current password" error={wrong('/current')}>
          {(c) => <input {...c} type="password" autoComplete="current-password" required autoFocus value={values.current} onChange={(e) => setValues({ ...values, current: e.target.value })} />}
        </Field>
        <Field label="New password" hint="12 characters or more, such as four unrelated words" error={wrong('/password')}>
          {(c) => <input {...c} type="password" autoComplete="new-password" required value={values.password} onChange={(e) => setValues({ ...values, password: e.target.value })} />}
        </Field>
        {error && !known && <ErrorNote error={error} />}
        <p className="fine">You stay signed in here, and are signed out everywhere else.</p>
        <div className="buttons"><Button type="submit" look="strong" busy={busy}>Change it</Button><Button look="quiet" onClick={onClose}>Cancel</Button></div>
      </form>
    </Dialog>
  );
}
