// Operators: who may come in, as what. Only owners see this page.
import { useState } from 'react';
import { call, useApi } from '../api/client';
import type { Role } from '../api/types';
import { Ago, Button, Choice, Confirm, Dialog, Empty, ErrorNote, Ready, Snippet, Table, toast } from '../parts';
import { useSession } from '../session';
import { Page } from '../shell/page';
import { ApiError } from '../api/client';
import './lists.css';

interface Operator {
  name: string;
  role: Role;
  created: string;
  seen?: string;
}

const roles: { value: Role; label: string; may: string }[] = [
  { value: 'viewer', label: 'Viewer', may: 'sees how everything is and every journey, but not whose it was; no data' },
  { value: 'operator', label: 'Operator', may: 'also sees who it was, and reads and edits data and people' },
  { value: 'owner', label: 'Owner', may: 'also invites and removes operators, and sees everybody’s audit' },
];

export default function OperatorsPage() {
  const loaded = useApi<{ operators: Operator[] | null }>('/api/operators');
  const { name } = useSession();
  const [inviting, setInviting] = useState(false);
  const [removing, setRemoving] = useState('');
  const change = async (o: Operator, role: Role) => {
    try {
      await call('POST', `/api/operators/${encodeURIComponent(o.name)}`, { role });
      toast(`${o.name} is now ${role}`);
    } catch (e) {
      toast(e instanceof Error ? e.message : String(e), 'warn');
    }
    loaded.again();
  };
  return (
    <Page title="Operators" lead="Who may come into this console. They are not the people of your site." actions={<Button look="strong" icon="plus" onClick={() => setInviting(true)}>Invite</Button>}>
      <Ready of={loaded}>{({ operators }) => (
        <div className="panel">
          {(operators ?? []).length === 0 ? <Empty icon="team" title="Nobody has an account yet"><p>You came in by the link that dev prints. Invite somebody, or yourself, to come in with a name and a password.</p></Empty> : <Table
            caption="Operators" hideCaption rows={operators ?? []} id={(o) => o.name}
            columns={[
              { key: 'name', title: 'Name', cell: (o) => <b>{o.name}{o.name === name && <span className="soft"> (you)</span>}</b> },
              { key: 'role', title: 'Role', cell: (o) => (
                <select className="input role" aria-label={`Role of ${o.name}`} value={o.role} onChange={(e) => void change(o, e.target.value as Role)}>
                  {roles.map((r) => <option key={r.value} value={r.value}>{r.label}</option>)}
                </select>
              ) },
              { key: 'created', title: 'Since', from: 'm', tight: true, cell: (o) => <span className="soft"><Ago at={o.created} /></span> },
              { key: 'seen', title: 'Last here', from: 'm', tight: true, cell: (o) => <span className="soft">{o.seen ? <Ago at={o.seen} /> : 'never'}</span> },
              { key: 'remove', title: <span className="unseen">Remove</span>, tight: true, end: true, cell: (o) => <Button look="danger" onClick={() => setRemoving(o.name)}>Remove<span className="unseen"> {o.name}</span></Button> },
            ]}
          />}
        </div>
      )}</Ready>
      <section className="stack-s" aria-labelledby="roles">
        <h2 id="roles">What each role may</h2>
        <dl className="facts">{roles.map((r) => [<dt key={r.value}>{r.label}</dt>, <dd key={`${r.value} may`}>{r.may}</dd>])}</dl>
      </section>
      {inviting && <Invite onClose={() => setInviting(false)} />}
      {removing && (
        <Confirm title={`Remove ${removing}?`} word="Remove" danger onClose={() => setRemoving('')} act={async () => {
          await call('DELETE', `/api/operators/${encodeURIComponent(removing)}`);
          toast(`${removing} is no operator any more`);
          loaded.again();
        }}>
          <p>They are signed out at once. What they did stays in the audit.</p>
        </Confirm>
      )}
    </Page>
  );
}

function Invite({ onClose }: { onClose: () => void }) {
  const [role, setRole] = useState<Role>('operator');
  const [made, setMade] = useState<{ link: string; minutes?: number }>();
  const [error, setError] = useState<ApiError>();
  const make = async () => {
    setError(undefined);
    try {
      setMade(await call('POST', '/api/operators/link', { role }));
    } catch (e) {
      if (!(e instanceof ApiError)) throw e;
      setError(e);
    }
  };
  return (
    <Dialog title="Invite somebody" onClose={onClose}>
      {made ? (
        <div className="stack-s">
          <p>Give this link to one person, over a way that nobody else reads. It works once{made.minutes ? `, for ${made.minutes} minutes` : ''}.</p>
          <Snippet text={made.link} label="Copy the link" />
          <div className="buttons"><Button onClick={onClose}>Done</Button></div>
        </div>
      ) : (
        <div className="stack-s">
          <Choice label="Role" value={role} onChange={setRole} options={roles} />
          <p className="soft">{roles.find((r) => r.value === role)?.label} {roles.find((r) => r.value === role)?.may}.</p>
          {error && <ErrorNote error={error} />}
          <div className="buttons"><Button look="strong" onClick={() => void make()}>Make a link</Button></div>
        </div>
      )}
    </Dialog>
  );
}
