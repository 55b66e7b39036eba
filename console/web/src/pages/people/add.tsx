// A new account, made by an operator, whether the site takes sign-ups or not.
import { useState } from 'react';
import { ApiError, call, useApi } from '../../api/client';
import { Button, Check, Dialog, ErrorNote, Field, Ready, Snippet } from '../../parts';
import type { Declared } from '../data/types';

export function AddPerson({ roles, collection, onClose, onMade }: { roles: string[]; collection: string; onClose: () => void; onMade: () => void }) {
  const declared = useApi<Declared>('/api/data/');
  const [fields, setFields] = useState<Record<string, string>>({});
  const [given, setGiven] = useState<string[]>([]);
  const [error, setError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const [made, setMade] = useState<{ id: string; password: string }>();
  const make = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const filled = Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== ''));
      setMade(await call('POST', '/api/people/', { fields: filled, roles: given }));
      onMade();
    } catch (e) {
      if (!(e instanceof ApiError)) throw e;
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  if (made) {
    return (
      <Dialog title="The account is there" onClose={onClose}>
        <div className="stack-s">
          <p>Its password is shown this once and is kept nowhere. They should change it when they have signed in.</p>
          <Snippet text={made.password} label="Copy the password" />
          <div className="buttons"><Button look="strong" onClick={onClose}>Done</Button></div>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="New account" onClose={onClose}>
      <Ready of={declared}>
        {(d) => {
          const wanted = d.collections.find((c) => c.name === collection)?.fields.filter((f) => !f.system && ['text', 'email', 'select', 'url'].includes(f.type)) ?? [];
          const at = (name: string) => error?.problem.errors?.find((e) => e.pointer === `/${name}`)?.detail;
          return (
            <form
              className="form" onSubmit={(e) => {
                e.preventDefault();
                void make();
              }}
            >
              {wanted.map((f) => (
                <Field key={f.name} label={<code>{f.name}</code>} hint={[f.required && 'required', f.match && `matches ${f.match}`].filter(Boolean).join(' · ') || undefined} error={at(f.name)}>
                  {(control) => f.type === 'select' ? (
                    <select {...control} value={fields[f.name] ?? ''} onChange={(e) => setFields({ ...fields, [f.name]: e.target.value })}><option value="">no value</option>{f.options?.map((o) => <option key={o}>{o}</option>)}</select>
                  ) : (
                    <input {...control} type={f.type === 'email' ? 'email' : 'text'} required={f.required} autoComplete="off" spellCheck={false} value={fields[f.name] ?? ''} onChange={(e) => setFields({ ...fields, [f.name]: e.target.value })} />
                  )}
                </Field>
              ))}
              {roles.length > 0 && (
                <fieldset className="stack-s">
                  <legend className="people-legend">Roles</legend>
                  {roles.map((r) => <Check key={r} label={r} checked={given.includes(r)} onChange={(e) => setGiven(e.target.checked ? [...given, r] : given.filter((g) => g !== r))} />)}
                </fieldset>
              )}
              <p className="fine">A password is made for it, and shown once.</p>
              {error && !error.problem.errors?.some((e) => e.pointer) && <ErrorNote error={error} />}
              <div className="buttons"><Button type="submit" look="strong" busy={busy}>Make the account</Button><Button look="quiet" onClick={onClose}>Cancel</Button></div>
            </form>
          );
        }}
      </Ready>
    </Dialog>
  );
}
