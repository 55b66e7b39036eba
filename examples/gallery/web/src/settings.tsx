// Where one is signed in, and what one wants to hear of.
import type { Preferences, Session } from '@roundtrip/client';
import { useEffect, useState } from 'preact/hooks';
import { explain, rt } from './api';
import { go } from './router';
import { Ago, Failed, notice, useTitle } from './ui';

const complain = (error: unknown) => notice(`That did not work: ${explain(error)}`);

export function Settings() {
  useTitle('Settings');
  const signOut = () => rt.auth.signOut().then(() => go('/'), complain);
  return (
    <div class="narrow">
      <h1>Settings</h1>
      <Hear />
      <section class="panel"><h2>Leave</h2><button type="button" onClick={() => void signOut()}>Sign out</button></section>
      <Sessions />
    </div>
  );
}

const kinds = { liked: 'Somebody likes a photo of mine', commented: 'Somebody comments on a photo of mine', followed: 'Somebody follows me' };

function Hear() {
  const [wanted, set] = useState<Preferences | undefined>();
  useEffect(() => void rt.inbox.preferences().then(set, complain), []);
  const change = (kind: keyof typeof kinds, inbox: boolean) => rt.inbox.setPreferences({ [kind]: { inbox } }).then(set, complain);
  return (
    <section class="panel" role="group" aria-labelledby="hear">
      <h2 id="hear">Tell me when</h2>
      {(Object.keys(kinds) as (keyof typeof kinds)[]).map((kind) => (
        <label class="check" key={kind}>
          <input type="checkbox" disabled={!wanted} checked={wanted?.[kind]?.inbox ?? true} onChange={(e) => void change(kind, e.currentTarget.checked)} />{kinds[kind]}
        </label>
      ))}
    </section>
  );
}

// device makes "Firefox on Linux" of what a browser says of itself.
function device(agent: string) {
  const browser = agent.match(/Firefox|Edg|Chrome|Safari/)?.[0]?.replace('Edg', 'Edge');
  const system = agent.match(/Android|iPhone|iPad|Windows|Mac OS|Linux/)?.[0];
  return browser && system ? `${browser} on ${system}` : agent || 'A device';
}

function Sessions() {
  const [sessions, set] = useState<Session[] | undefined>();
  const [error, setError] = useState<unknown>();
  const load = () => rt.auth.sessions().then(set, setError);
  useEffect(() => void load(), []);
  if (error) return <Failed error={error} />;
  const end = (id: string) => rt.auth.endSession(id).then(load, complain);
  return (
    <section class="panel">
      <h2>Signed in on</h2>
      <ul class="sessions">
        {sessions?.map((s) => (
          <li key={s.id}>
            <span>{device(s.name)}<span class="fine">{s.current ? 'this device' : <>last used <Ago time={s.last_use_time} /></>} · {s.address}</span></span>
            {!s.current && <button class="quiet" type="button" onClick={() => void end(s.id)}>End</button>}
          </li>
        ))}
      </ul>
    </section>
  );
}
