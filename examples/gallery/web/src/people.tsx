// One person: who they are, their photos, and whether you follow them.
import { useEffect, useState } from 'preact/hooks';
import { isMe, me, rt, useFeed, type User } from './api';
import { More } from './feed';
import { Form } from './form';
import { follows } from './marks';
import { NotHere } from './photo';
import { go } from './router';
import { Empty, Face, Failed, Icon, Picture, useTitle } from './ui';

export function Person({ handle }: { handle: string }) {
  const { state, error, retry } = useFeed(() => rt.users.watch({ where: { handle }, page_size: 1 }), handle);
  const user = state?.records[0];
  const [editing, edit] = useState(false);
  useTitle(user ? user.name || user.handle : state ? 'Not here' : undefined);

  if (error && !user) return <Failed error={error} retry={retry} />;
  if (state && !user) return <NotHere />;
  return (
    <>
      <header class="profile" aria-busy={!user}>
        <Face user={user} size={256} />
        <div>
          <h1>{user ? user.name || user.handle : 'Loading …'}</h1>
          <p class="fine">@{handle}</p>
        </div>
        {user ? <Numbers user={user} /> : <p class="numbers"><span>&nbsp;</span></p>}
        {user && (isMe(user.id)
          ? <button type="button" aria-expanded={editing} onClick={() => edit(!editing)}>Edit profile</button>
          : <FollowButton user={user} />)}
      </header>
      {user && editing && <Edit user={user} done={() => edit(false)} />}
      {user && <Grid user={user} />}
    </>
  );
}

// The followers are live; how many photos and followed there are is counted when the page is opened.
function Numbers({ user }: { user: User }) {
  const [counted, set] = useState<[number?, number?]>([]);
  useEffect(() => {
    const count = { page_size: 1, count: 'exact' } as const;
    void Promise.all([rt.photos.list({ ...count, where: { author: user.id } }), rt.follows.list({ ...count, where: { follower: user.id } })])
      .then(([photos, following]) => set([photos.total_size, following.total_size]), () => {});
  }, [user.id]);
  const say = (n: number | undefined, word: string) => <span><strong>{n?.toLocaleString('en') ?? '–'}</strong> {word}</span>;
  return <p class="numbers">{say(counted[0], counted[0] === 1 ? 'photo' : 'photos')}{say(user.followers, user.followers === 1 ? 'follower' : 'followers')}{say(counted[1], 'following')}</p>;
}

export function FollowButton({ user }: { user: User }) {
  const on = follows.has(user.id);
  useEffect(() => void follows.ask([user.id]), [user.id]);
  return (
    <button type="button" class={on ? '' : 'strong'} onClick={() => (me.value ? void follows.toggle(user.id) : go('/sign-in'))}>
      {on ? 'Following' : 'Follow'}<span class="unseen"> {user.handle}</span>
    </button>
  );
}

function Edit({ user, done }: { user: User; done: () => void }) {
  return (
    <Form action="Save"
      fields={[
        { name: 'name', label: 'Name', maxLength: 80, defaultValue: user.name ?? '', autoComplete: 'name' },
        { name: 'avatar', label: 'Picture of you', type: 'file', accept: 'image/jpeg,image/png,image/webp', hint: 'Square looks best, up to 2 MB. Leave it out to keep the one you have.' },
      ]}
      submit={async (values) => {
        const avatar = values.get('avatar') as File;
        await rt.users.update(user.id, { name: String(values.get('name')) || null, ...(avatar.size > 0 && { avatar }) });
        await rt.auth.me(); // the frame shows the new face
        done();
      }} />
  );
}

function Grid({ user }: { user: User }) {
  const { state, error, retry, feed } = useFeed(
    () => rt.photos.watch({ where: { author: user.id }, order_by: 'id desc', expand: ['author'], page_size: 18 }),
    `${user.id} ${me.value?.account.id}`,
  );
  if (error && !state) return <Failed error={error} retry={retry} />;
  if (state && !state.records.length) return <Empty title="No photo yet">{isMe(user.id) && <p><a href="/share">Share your first one</a></p>}</Empty>;
  return (
    <section aria-label={`Photos of ${user.handle}`} aria-busy={!state}>
      <ul class="tiles">
        {state?.records.map((photo, i) => (
          <li key={photo.id}>
            <a class="tile" href={`/photo/${photo.id}`}>
              <Picture photo={photo} eager={i < 6} sizes="(min-width: 62rem) 18rem, 33vw" />
              <span class="over"><Icon name="heart" /><span class="unseen">Likes: </span>{photo.likes}{photo.private && <><Icon name="lock" /><span class="unseen">followers only</span></>}</span>
            </a>
          </li>
        ))}
      </ul>
      {state?.more && <More load={() => feed!.more()} at={state.records.length} />}
    </section>
  );
}
