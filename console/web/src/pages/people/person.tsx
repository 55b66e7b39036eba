// One account: what it signs in with, its roles, its devices, and what can be done for it.
import { useState } from 'react';
import { ApiError, call, request, useApi } from '../../api/client';
import { Ago, Button, Check, Confirm, Dialog, Empty, ErrorNote, Note, Ready, toast } from '../../parts';
import { plural } from '../../say';
import { NewPassword } from './password';
import type { Session, Whole } from './types';

interface Props {
  id: string;
  roles: string[];
  collection: string;
  onClose: () => void;
  onChange: () => void;
}

export function PersonDrawer(p: Props) {
  const loaded = useApi<Whole>(`/api/people/${p.id}`);
  const changed = () => {
    loaded.again();
    p.onChange();
  };
  return (
    <Dialog look="drawer" title={loaded.data?.login ?? 'Account'} onClose={p.onClose}>
      <Ready of={loaded}>
        {(person) => (
          <div className="stack">
            <dl className="facts">
              {person.logins.map((l) => [<dt key={l.field}>{l.field}</dt>, <dd key={`${l.field}-value`}>{l.value || <span className="soft">none</span>}</dd>])}
              <dt>id</dt><dd><code>{person.id}</code></dd>
              <dt>since</dt><dd><Ago at={person.since} /></dd>
              <dt>record</dt><dd><a href={`/data/${p.collection}/${person.id}`}>all of it, in Data</a></dd>
            </dl>
            <SigningIn person={person} onChange={changed} />
            <Roles person={person} declared={p.roles} onChange={changed} />
            <Devices person={person} onChange={changed} />
          </div>
        )}
      </Ready>
    </Dialog>
  );
}

function SigningIn({ person, onChange }: { person: Whole; onChange: () => void }) {
  const [asking, setAsking] = useState(false);
  const [made, setMade] = useState('');
  const f = person.failures;
  const letIn = async () => {
    await request('DELETE', `/api/people/${person.id}/failures`);
    toast(`${person.login} may try again at once`);
    onChange();
  };
  return (
    <section className="stack-s">
      <h3>Signing in</h3>
      {person.locked && <Note>This account has no password: nobody can sign in to it.</Note>}
      {f && (
        <Note tone={f.until ? 'warn' : undefined} action={<Button onClick={() => void letIn()}>Let in</Button>}>
          <p>{plural(f.count, 'sign-in')} failed of late, the last <Ago at={f.last} />.{f.until && ' More are held back for a while.'}</p>
        </Note>
      )}
      {!f && !person.locked && <p className="soft">No sign-in has failed of late.</p>}
      <div><Button onClick={() => setAsking(true)}>New password…</Button></div>
      {asking && (
        <Confirm
          title={`A new password for ${person.login}?`} word="Make a new password" onClose={() => setAsking(false)}
          act={async () => {
            const answer = await call<{ password?: string }>('POST', `/api/people/${person.id}/password`, {});
            setMade(answer.password ?? '');
            onChange();
          }}
        >
          <p>The old one is no longer good, and all {plural(person.sessions.length, 'device')} are signed out. The new one is shown once: give it to them by a way that you trust.</p>
        </Confirm>
      )}
      {made && <NewPassword login={person.login} password={made} onClose={() => setMade('')} />}
    </section>
  );
}

function Roles({ person, declared, onChange }: { person: Whole; declared: string[]; onChange: () => void }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const set = async (role: string, on: boolean) => {
    setBusy(true);
    setError(undefined);
    try {
      const roles = on ? [...person.roles, role] : person.roles.filter((r) => r !== role);
      await call('PUT', `/api/people/${person.id}/roles`, { roles });
      toast(on ? `${person.login} is ${role} now` : `${person.login} is no longer ${role}`);
      onChange();
    } catch (e) {
      if (!(e instanceof ApiError)) throw e;
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <fieldset className="stack-s">
      <legend className="people-legend">Roles</legend>
      {declared.length === 0 ? <p className="soft">None are declared (<code>identity.roles</code>).</p> : (
        <>
          <p className="fine">They count from the next request on; nobody has to sign in again.</p>
          {declared.map((r) => <Check key={r} label={r} checked={person.roles.includes(r)} disabled={busy} onChange={(e) => void set(r, e.target.checked)} />)}
        </>
      )}
      {error && <ErrorNote error={error} />}
    </fieldset>
  );
}

function Devices({ person, onChange }: { person: Whole; onChange: () => void }) {
  const [asking, setAsking] = useState<Session | 'all'>();
  const end = async () => {
    await request('DELETE', asking === 'all' ? `/api/people/${person.id}/sessions` : `/api/people/${person.id}/sessions/${asking?.id}`);
    toast(asking === 'all' ? 'All are signed out' : 'Signed out');
    onChange();
  };
  return (
    <section className="stack-s">
      <div className="row spread"><h3>Devices</h3>{person.sessions.length > 1 && <Button look="quiet" onClick={() => setAsking('all')}>Sign out all</Button>}</div>
      {person.sessions.length === 0 ? <Empty icon="server" level={3} title="Signed in nowhere" /> : (
        <ul className="people-devices">
          {person.sessions.map((s) => (
            <li key={s.id}>
              <span className="grow">
                <b>{device(s.device)}</b>
                <span className="fine"> last used <Ago at={s.last_used} />, since <Ago at={s.created} />{s.from && `, from ${s.from}`}</span>
              </span>
              <Button look="quiet" onClick={() => setAsking(s)}>Sign out<span className="unseen"> {device(s.device)}</span></Button>
            </li>
          ))}
        </ul>
      )}
      {asking && (
        <Confirm title={asking === 'all' ? `Sign ${person.login} out everywhere?` : `Sign ${person.login} out there?`} word="Sign out" danger act={end} onClose={() => setAsking(undefined)}>
          <p>{asking === 'all' ? `All ${person.sessions.length} devices` : device(asking.device)} must sign in again. What is open there stops getting news at once.</p>
        </Confirm>
      )}
    </section>
  );
}

// device shortens what a browser says of itself.
export function device(name: string): string {
  const browser = /(Firefox|Edg|OPR|Chrome|Safari)\/(\d+)/.exec(name.replace(/Version\/(\d+)[\d.]* (Mobile\/\w+ )?Safari/, 'Safari/$1'));
  const system = /(iPhone|iPad|Android|Windows|Mac OS X|CrOS|Linux)/.exec(name)?.[1];
  if (!browser) return name.slice(0, 60) || 'unknown device';
  const called: Record<string, string> = { Edg: 'Edge', OPR: 'Opera' };
  return `${called[browser[1] ?? ''] ?? browser[1]} ${browser[2]}${system ? ` on ${system === 'Mac OS X' ? 'macOS' : system}` : ''}`;
}
