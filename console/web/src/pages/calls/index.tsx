// API: every call of the declaration in force, what it takes, who may, and how it is written.
import { useState } from 'react';
import { useApi } from '../../api/client';
import { Empty, Ready, Search } from '../../parts';
import { usePlace } from '../../router';
import { Page } from '../../shell/page';
import './calls.css';
import { One } from './one';
import { Said } from './said';
import type { Api, Call, Group, Site } from './types';

export default function Calls({ parts }: { parts: string[] }) {
  const loaded = useApi<Api>('/api/api', 15_000);
  const [group, name] = parts;
  return (
    <Page
      title={group ? `${group}${name ? ` ${name}` : ''}: API` : 'API'} heading="API"
      lead="What your sites serve, from the declaration in force: the same records over REST, gRPC, gRPC-Web and Connect."
    >
      <Ready of={loaded} lines={10}>{(api) => (api.sites.length > 0 ? <Shown key={api.generation} api={api} group={group} name={name} /> : <NotServed />)}</Ready>
    </Page>
  );
}

function NotServed() {
  return <Empty icon="api" title="No site serves the API"><p>Give a site a route with <code>{'{ path: /api/, to: api }'}</code>, and it stands here at once.</p></Empty>;
}

function Shown({ api, group, name }: { api: Api; group: string | undefined; name: string | undefined }) {
  const { search } = usePlace();
  const site = api.sites.find((s) => s.name === search.get('site')) ?? (api.sites[0] as Site);
  const of = group ? api.groups.find((g) => g.name === group) : undefined;
  const call = of && (name ? of.calls.find((c) => c.name === name) : of.calls[0]);
  return (
    <div className={`calls ${group ? 'chosen' : ''}`}>
      <Menu api={api} at={of && call && `${of.name}/${call.name}`} site={site} />
      {of && call ? <One key={`${of.name}/${call.name}/${site.name}`} api={api} site={site} group={of} call={call} />
        : group ? <Empty icon="api" title={`There is no call ${[group, name].filter(Boolean).join(' ')}`}><p>It may have been there before the declaration changed, or no rule allows it to anybody. <a href="/calls">All calls</a></p></Empty>
          : <Begin api={api} />}
    </div>
  );
}

const text = (g: Group, c: Call) => `${g.name} ${c.name} ${c.title} ${c.method} ${c.path} ${c.procedure ?? ''}`.toLowerCase();

function Menu({ api, at, site }: { api: Api; at: string | undefined; site: Site }) {
  const [words, setWords] = useState('');
  const { search } = usePlace();
  const all = words.toLowerCase().split(/\s+/).filter(Boolean);
  const end = search.get('site') ? `?site=${site.name}` : '';
  const found = api.groups.map((g) => ({ ...g, calls: g.calls.filter((c) => all.every((w) => text(g, c).includes(w))) })).filter((g) => g.calls.length > 0);
  return (
    <nav className="calls-menu" aria-label="Calls">
      <Search label="Search calls" placeholder="photos list" value={words} onChange={setWords} />
      <div className="calls-list">
        {found.map((g) => (
          <section key={g.name} aria-label={g.name}>
            <h2>{g.name}</h2>
            {g.calls.map((c) => (
              <a key={c.name} href={`/calls/${g.name}/${c.name}${end}`} aria-current={at === `${g.name}/${c.name}` ? 'page' : undefined}>
                <span>{c.name}</span><Method of={c} />
              </a>
            ))}
          </section>
        ))}
        {found.length === 0 && <p className="fine" role="status">No call has these words.</p>}
      </div>
    </nav>
  );
}

function Method({ of: c }: { of: Call }) {
  return <span className={`calls-method ${c.reads ? 'reads' : ''}`}>{c.stream ? 'STREAM' : c.method}</span>;
}

const documents: [string, string][] = [
  ['openapi.json', 'REST, as OpenAPI 3.1'], ['descriptors.proto', 'the services, to be read'], ['descriptors.binpb', 'the same for buf and grpcurl'],
];

function Begin({ api }: { api: Api }) {
  return (
    <div className="stack">
      {api.sites.map((s) => (
        <section key={s.name} className="panel">
          <header><h2>{s.name}</h2><span className="fine mono">{s.url}</span></header>
          <ul className="calls-documents">
            {documents.map(([file, says]) => <li key={file}><a href={`${s.url}/${file}`} target="_blank" rel="noreferrer"><code>{file}</code></a> <span className="soft">{says}</span></li>)}
          </ul>
        </section>
      ))}
      <section className="panel">
        <header><h2>What there is</h2><span className="fine">package <code>{api.package}</code>, generation {api.generation}</span></header>
        <dl className="calls-groups">
          {api.groups.map((g) => <div key={g.name}><dt><a href={`/calls/${g.name}/${g.calls[0]?.name ?? ''}`}>{g.name}</a></dt><dd><Said text={g.says} /></dd></div>)}
        </dl>
      </section>
    </div>
  );
}

