// The bell: what others did, gathered by the server, and how much of it is new.
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { InboxState, Notification } from '@roundtrip/client';
import { explain, me, rt, useFeed, type User } from './api';
import { More } from './feed';
import { Ago, Empty, Face, Failed, Icon, notice, personLink, plural, useTitle } from './ui';

const inbox = signal<InboxState | undefined>(undefined);
const heard = signal(''); // the newest one, for screen readers

// BellLink follows the inbox while somebody is signed in. Its badge has how many are unread; it is loud while some of them
// have not even been seen.
export function BellLink({ here }: { here: boolean }) {
  const { state } = useFeed(() => (me.value ? rt.inbox.watch() : null), me.value?.account.id ?? '');
  useEffect(() => {
    if (inbox.value && state && state.unseen > inbox.value.unseen) heard.value = state.notifications[0]?.text ?? '';
    inbox.value = state;
  }, [state]);
  const { unread = 0, unseen = 0 } = state ?? {};
  return (
    <a href="/bell" aria-current={here ? 'page' : undefined}>
      <span class="with-badge">
        <Icon name="bell" />
        {unread > 0 && <span class={unseen ? 'badge loud' : 'badge'} aria-hidden="true">{unread > 99 ? '99+' : unread}</span>}
      </span>
      <span class="word">Notifications</span>
      {unread > 0 && <span class="unseen">, {unread} unread</span>}
      <span class="unseen" aria-live="polite">{heard.value}</span>
    </a>
  );
}

const complain = (error: unknown) => notice(`That was not kept: ${explain(error)}`);

export function Bell() {
  useTitle('Notifications');
  const { state, error, retry, feed } = useFeed(() => rt.inbox.watch(), me.value?.account.id ?? '');
  // What is on the screen has been seen.
  useEffect(() => {
    if (state?.unseen && document.visibilityState === 'visible') void rt.inbox.seen(state.seq).catch(() => {});
  }, [state?.seq]);

  if (error && !state) return <Failed error={error} retry={retry} />;
  return (
    <div class="narrow">
      <div class="row spread">
        <h1>Notifications</h1>
        <button class="quiet" type="button" hidden={!state?.unread} onClick={() => void rt.inbox.readAll().catch(complain)}>Mark all as read</button>
      </div>
      {state && !state.notifications.length && <Empty title="All quiet"><p>When somebody likes a photo of yours or says something, it stands here.</p></Empty>}
      <ol class="notes" aria-busy={!state}>{state?.notifications.map((n) => <Note key={n.id} note={n} />)}</ol>
      {state?.more && <More load={() => feed!.more()} at={state.notifications.length} />}
      <p class="unseen" aria-live="polite">{state && `${plural(state.unread, 'unread notification')}`}</p>
    </div>
  );
}

// Note is read when it is opened.
function Note({ note }: { note: Notification }) {
  const to = note.kind === 'followed' ? personLink(note.actors[0]?.handle) : `/photo/${note.group}`;
  return (
    <li>
      <a class={note.read ? 'note-row' : 'note-row unread'} href={to} onClick={() => void (note.read || rt.inbox.read([note.id]).catch(complain))}>
        <Actors note={note} />
        <span class="note-text">{note.text} <Ago time={note.update_time} /></span>
        {note.group && <img class="thumb" src={rt.fileUrl('photos', note.group, 'image', 320)} alt="" width={44} height={44} loading="lazy" />}
        {!note.read && <span class="dot"><span class="unseen">unread</span></span>}
      </a>
    </li>
  );
}

// A notification has ids and handles of those who did it; their faces are asked for once.
const people = signal<Record<string, User | undefined>>({});

async function meet(ids: string[]) {
  const open = ids.filter((id) => !(id in people.value));
  if (!open.length) return;
  people.value = { ...people.value, ...Object.fromEntries(open.map((id) => [id, undefined])) };
  const page = await rt.users.list({ filter: `id in [${open.map((id) => `"${id}"`).join(', ')}]`, page_size: 100 });
  people.value = { ...people.value, ...Object.fromEntries(page.records.map((user) => [user.id, user])) };
}

// Actors are the newest two of those who did it.
function Actors({ note }: { note: Notification }) {
  const ids = note.actors.slice(0, 2).map((actor) => actor.id);
  useEffect(() => void meet(ids).catch(() => {}), [ids.join()]);
  return <span class="faces" aria-hidden="true">{ids.map((id) => <Face key={id} user={people.value[id]} />)}</span>;
}
