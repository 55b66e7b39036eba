// People: the accounts that can sign in to the site.
import { useEffect, useRef, useState } from 'react';
import { query, useApi } from '../../api/client';
import { Ago, Bones, Button, Chip, Empty, ErrorNote, Search, Table } from '../../parts';
import { useKeys } from '../../keys';
import { go, usePlace } from '../../router';
import { plural } from '../../say';
import { Page } from '../../shell/page';
import { AddPerson } from './add';
import './people.css';
import { PersonDrawer } from './person';
import type { People as List } from './types';

export default function People({ parts }: { parts: string[] }) {
  const [open] = parts;
  const { search } = usePlace();
  const q = search.get('q') ?? '', page = search.get('page') ?? '';
  const [text, setText] = useState(q);
  const before = useRef<string[]>([]);
  const list = useApi<List>(`/api/people/${query({ q, page_token: page })}`);
  const here = (id = '') => `/people${id && `/${id}`}${query({ q, page })}`;
  useEffect(() => setText(q), [q]);
  useEffect(() => {
    if (text.trim() === q) return;
    const timer = setTimeout(() => {
      before.current = [];
      go(`/people${open ? `/${open}` : ''}${query({ q: text.trim() })}`, { replace: true, keepScroll: true });
    }, 300);
    return () => clearTimeout(timer);
  }, [text, q, open]);
  useKeys({ n: () => go(here('new'), { keepScroll: true }) });
  const data = list.data;
  const none = data && !data.collection;
  return (
    <Page
      title="People" lead="Who can sign in to the site: their devices, their roles, and a way in for those who forgot theirs."
      actions={data?.collection ? <Button look="strong" icon="plus" onClick={() => go(here('new'), { keepScroll: true })}>New account</Button> : undefined}
    >
      {none ? (
        <Empty icon="people" title="The site has no accounts"><p>Say which collection people sign in to with <code>identity.accounts</code> in roundtrip.yaml.</p></Empty>
      ) : (
        <>
          <Search label="Search accounts" placeholder="A part of a name or address, or an id" value={text} onChange={setText} onEnter={() => go(`/people${query({ q: text.trim() })}`, { replace: true, keepScroll: true })} />
          {list.error && <ErrorNote error={list.error} again={list.again} />}
          {list.busy ? <div className="panel"><Bones lines={8} /></div> : data && data.people.length > 0 ? (
            <div className="panel">
              <Table
                caption="Accounts, the newest first" hideCaption keys keepScroll rows={data.people} id={(p) => p.id} href={(p) => here(p.id)} current={open}
                columns={[
                  { key: 'login', title: data.login?.[0] ?? 'account', cell: (p) => <b>{p.login}</b> },
                  { key: 'roles', title: 'Roles', cell: (p) => (p.roles.length > 0 ? <span className="chips">{p.roles.map((r) => <Chip key={r} tone="accent">{r}</Chip>)}</span> : <span className="soft">–<span className="unseen">none</span></span>) },
                  {
                    key: 'state', title: 'Signing in', from: 'm',
                    cell: (p) => (p.locked ? <Chip>has no password</Chip> : p.failures?.until ? <Chip tone="warn" icon="clock">held back after {plural(p.failures.count, 'failure')}</Chip> : p.failures ? <Chip>{plural(p.failures.count, 'failure')}</Chip> : <span className="soft">–<span className="unseen">nothing of note</span></span>),
                  },
                  { key: 'since', title: 'Since', cell: (p) => <Ago at={p.since} />, tight: true },
                  { key: 'id', title: 'Id', cell: (p) => <code>{p.id}</code>, tight: true, from: 'l' },
                ]}
              />
            </div>
          ) : !list.error && <Empty icon="people" title={q ? `Nobody fits “${q}”` : 'Nobody yet'}>{q && <p>Capital letters count. <a href="/people">Show all</a></p>}</Empty>}
          {(page || data?.next_page_token) && (
            <nav className="row" aria-label="Pages of accounts">
              <Button disabled={!page} onClick={() => go(`/people${query({ q, page: before.current.pop() ?? '' })}`)}>{before.current.length > 0 || !page ? 'Previous' : 'First page'}</Button>
              <Button disabled={!data?.next_page_token} onClick={() => { before.current.push(page); go(`/people${query({ q, page: data?.next_page_token })}`); }}>Next</Button>
            </nav>
          )}
        </>
      )}
      {data && open === 'new' && <AddPerson roles={data.roles} collection={data.collection} onClose={() => go(here(), { keepScroll: true })} onMade={list.again} />}
      {data && open && open !== 'new' && <PersonDrawer key={open} id={open} roles={data.roles} collection={data.collection} onClose={() => go(here(), { keepScroll: true })} onChange={list.again} />}
    </Page>
  );
}
