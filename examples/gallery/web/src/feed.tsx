// The photos of those one follows, and all photos: lists that go on as one scrolls, and that change while one looks.
import { useEffect, useRef } from 'preact/hooks';
import { me, rt, useFeed, type Photo } from './api';
import { LikeButton } from './like';
import { likes } from './marks';
import { By, Ago, Empty, Failed, Icon, Picture, plural, useTitle } from './ui';

const followed = 'author == auth.id || follows.exists(f, f.follower == auth.id && f.followee == author)';

export function Home() {
  useTitle(me.value ? 'Home' : 'Welcome');
  if (!me.value) return <><Welcome /><Photos heading="The newest photos" /></>;
  return (
    <>
      <h1 class="unseen">Photos of the people you follow</h1>
      <Photos filter={followed} empty={
        <>
          <Empty title="Your wall is still empty">
            <p>Follow somebody whose photos you like, or <a href="/share">share the first one</a> of yours.</p>
          </Empty>
          <Photos heading="New from everybody" />
        </>
      } />
    </>
  );
}

const Welcome = () => (
  <section class="welcome">
    <h1>Photos, and the people behind them.</h1>
    <p>Follow who you like, say what you think, and see it happen.</p>
    <p class="row"><a class="button strong" href="/sign-up">Make an account</a><a class="button" href="/sign-in">Sign in</a></p>
  </section>
);

export function Discover() {
  useTitle('Discover');
  return <><h1>Discover</h1><Photos /></>;
}

type PhotosProps = { filter?: string; heading?: string; empty?: preact.ComponentChildren };

function Photos({ filter, heading, empty = <Empty title="No photo yet"><p><a href="/share">Share the first one.</a></p></Empty> }: PhotosProps) {
  const query = { order_by: 'id desc', expand: ['author'] as const, page_size: 12, ...(filter && { filter }) };
  const { state, error, retry, feed } = useFeed(() => rt.photos.watch(query), `${filter} ${me.value?.account.id}`);
  const photos = state?.records;
  useEffect(() => void likes.ask((photos ?? []).map((p) => p.id)), [photos]);

  if (error && !photos) return <Failed error={error} retry={retry} />;
  if (photos && !photos.length) return <>{empty}</>;
  return (
    <>
      {heading && <h2 class="heading">{heading}</h2>}
      <div class="feed" role="feed" aria-busy={!photos}>
        {photos ? photos.map((photo, i) => <Card key={photo.id} photo={photo} eager={i < 2} />) : <><Blank /><Blank /></>}
      </div>
      {state?.more && <More load={() => feed!.more()} at={photos!.length} />}
    </>
  );
}

function Card({ photo, eager }: { photo: Photo; eager: boolean }) {
  const author = photo.expand?.author;
  const to = `/photo/${photo.id}`;
  return (
    <article class="card" aria-label={`Photo by ${author?.handle ?? 'somebody'}: ${photo.caption || 'no caption'}`}>
      <header><By user={author} />{photo.private && <Private />}<Ago time={photo.create_time} /></header>
      <a class="frame" href={to}><Picture photo={photo} eager={eager} sizes="(min-width: 34rem) 32rem, 100vw" /></a>
      <div class="actions">
        <LikeButton photo={photo} />
        <a class="action" href={to} aria-label={plural(photo.comments, 'comment')}><Icon name="talk" /><span class="number" aria-hidden="true">{photo.comments}</span></a>
      </div>
      {photo.caption && <p class="caption"><strong>{author?.handle}</strong> {photo.caption}</p>}
    </article>
  );
}

export const Private = () => <span class="private"><Icon name="lock" />followers only</span>;

// Blank has the size of a card, so that nothing moves when the photos come.
const Blank = () => (
  <div class="card blank" aria-hidden="true"><header><span class="face" /><span class="line" /></header><div class="frame" /></div>
);

// More loads the next page when it comes near the screen, or when it is pressed.
export function More({ load, at, text = 'Show more' }: { load: () => Promise<unknown>; at: number; text?: string }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const watcher = new IntersectionObserver((seen) => seen.some((s) => s.isIntersecting) && void load().catch(() => {}), { rootMargin: '900px' });
    watcher.observe(button.current!);
    return () => watcher.disconnect();
  }, [at]);
  return <button class="more" type="button" ref={button} onClick={() => void load().catch(() => {})}>{text}</button>;
}
