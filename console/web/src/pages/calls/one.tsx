// One call: what it does, who may, what it takes and answers, and how it is written.
import { useState } from 'react';
import { Choice, Chip, Snippet, Table, Where } from '../../parts';
import { go } from '../../router';
import type { Field } from '../data/types';
import { Traits, Type } from '../data/schema';
import { Said } from './said';
import { pretty, snippets } from './snippets';
import { TryIt } from './try';
import type { Api, Call, Group, Parameter, Site } from './types';

export function One({ api, site, group, call }: { api: Api; site: Site; group: Group; call: Call }) {
  return (
    <article className="stack calls-one" aria-label={`${group.name} ${call.name}`}>
      <header className="stack-s">
        <p className="calls-back"><a href="/calls">All calls</a></p>
        <h2 className="calls-title">{call.title}</h2>
        <p className="calls-line"><b className="mono">{call.method}</b> <code>{call.path}</code></p>
        {call.procedure && <p className="calls-line"><span className="soft">{call.stream ? 'gRPC, gRPC-Web, Connect: a stream' : 'gRPC, gRPC-Web, Connect'}</span> <code>{call.procedure}</code></p>}
        <p className="calls-says"><Said text={call.says} /></p>
      </header>
      <Who of={call} />
      <Written api={api} site={site} group={group} call={call} />
      <TryIt key={`${group.name} ${call.name}`} api={api} site={site} group={group} call={call} />
      <Takes api={api} group={group} call={call} />
      <Answers of={call} />
    </article>
  );
}

function Who({ of: c }: { of: Call }) {
  return (
    <section className="panel" aria-label="Who may">
      <header><h3>Who may</h3>{c.rule?.where && <Where at={c.rule.where} />}</header>
      <div className="body">
        {c.rule ? <pre className="calls-rule">{c.rule.source}</pre> : <p>{c.open ? 'Everybody: nobody is asked who they are.' : c.signed_in ? 'Who is signed in.' : 'Everybody; what is done inside asks the rules of each collection.'}</p>}
        {c.rule?.source === 'true' && <p className="fine">Everybody may.</p>}
      </div>
    </section>
  );
}

function Written({ api, site, group, call }: { api: Api; site: Site; group: Group; call: Call }) {
  const list = snippets(api, site, call, group.collection ?? false, group.name);
  const [form, setForm] = useState('curl');
  const shown = list.find((s) => s.name === form) ?? list[0];
  if (!shown) return null;
  return (
    <section className="panel" aria-label="How it is written">
      <header>
        <h3>How it is written</h3>
        {api.sites.length > 1 && (
          <label className="row fine">at <select className="input calls-site" value={site.name} onChange={(e) => go(`/calls/${group.name}/${call.name}?site=${e.target.value}`, { replace: true, keepScroll: true })}>
            {api.sites.map((s) => <option key={s.name}>{s.name}</option>)}
          </select></label>
        )}
      </header>
      <div className="body stack-s">
        <Choice label="Form" value={shown.name} onChange={setForm} options={list.map((s) => ({ value: s.name, label: s.name }))} />
        <Snippet text={shown.text} label={`Copy as ${shown.name}`} />
        {shown.hint && <p className="fine">{shown.hint}</p>}
        {shown.text.includes('TOKEN') && <p className="fine">TOKEN is the <code>token</code> of an answer to <a href="/calls/auth/signIn">auth signIn</a>; leave the header out to ask as nobody.</p>}
      </div>
    </section>
  );
}

function Takes({ api, group, call }: { api: Api; group: Group; call: Call }) {
  const collection = api.collections.find((c) => c.name === group.name);
  const fields = collection?.fields.filter((f) => !f.system && f.type !== 'count' && (call.name === 'create' || (call.name === 'update' && !f.immutable))) ?? [];
  const example = call.bodies.find((b) => b.example);
  return (
    <>
      {call.parameters.length > 0 && (
        <section className="panel">
          <header><h3>Parameters</h3></header>
          <Table
            caption={`Parameters of ${call.name}`} hideCaption rows={call.parameters} id={(p) => `${p.in} ${p.name}`}
            columns={[
              { key: 'name', title: 'Name', cell: (p) => <Name of={p} />, tight: true },
              { key: 'in', title: 'In', cell: (p) => <span className="soft">{p.in}</span>, tight: true, from: 'm' },
              { key: 'says', title: 'Means', cell: (p) => <Said text={p.says} /> },
            ]}
          />
        </section>
      )}
      {fields.length > 0 && (
        <section className="panel">
          <header><h3>Fields</h3>{collection?.where && <Where at={collection.where} />}</header>
          <Table
            caption={`Fields of ${group.name}`} hideCaption rows={fields} id={(f) => f.name}
            columns={[
              { key: 'name', title: 'Field', cell: (f: Field) => <code>{f.name}</code>, tight: true },
              { key: 'type', title: 'Type', cell: (f: Field) => <Type of={f} /> },
              { key: 'is', title: 'What holds for it', cell: (f: Field) => <Traits of={f} /> },
              { key: 'where', title: 'Declared at', cell: (f: Field) => <Where at={f.where} />, tight: true, from: 'l' },
            ]}
          />
        </section>
      )}
      {fields.length === 0 && example?.example && (
        <section className="panel"><header><h3>Body</h3><span className="fine mono">{example.type}</span></header><div className="body"><Snippet text={pretty(example.example)} label="Copy the body" /></div></section>
      )}
    </>
  );
}

function Name({ of: p }: { of: Parameter }) {
  return <><code>{p.name}</code>{p.required && <> <Chip>required</Chip></>}</>;
}

function Answers({ of: c }: { of: Call }) {
  const good = c.answers.find((a) => a.status >= 200 && a.status < 300 && a.example);
  return (
    <section className="panel">
      <header><h3>Answers</h3></header>
      <Table
        caption={`Answers of ${c.name}`} hideCaption rows={c.answers} id={(a) => String(a.status)}
        columns={[
          { key: 'status', title: 'Status', cell: (a) => <b className="mono">{a.status || 'other'}</b>, tight: true },
          { key: 'says', title: 'Means', cell: (a) => <Said text={a.says} /> },
        ]}
      />
      {good?.example && <details className="calls-example"><summary>What {good.status} looks like</summary><Snippet text={pretty(good.example)} label="Copy the answer" /></details>}
    </section>
  );
}
