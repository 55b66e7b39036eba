// One photo, large, with what people say about it.
import { useEffect, useState } from 'preact/hooks';
import { explain, isMe, me, rt, statusOf, useFeed, type Comment, type Photo } from './api';
import { Private } from './feed';
import { Form } from './form';
import { LikeButton } from './like';
import { likes } from './marks';
import { go } from './router';
import { Ago, By, Failed, notice, Picture, useTitle } from './ui';

export function PhotoPage({ id }: { id: string }) {
  const { state, error, retry } = useFeed(() => rt.photos.watch(id, { expand: ['author'] }), id);
  const photo = state?.record;
  const nowhere = [400, 404].includes(statusOf(error)); // 400: what the address says can't be an id
  const author = photo?.expand?.author;
  useTitle(photo ? `${author?.handle ?? 'A photo'}: ${photo.caption || 'a photo'}` : state || nowhere ? 'Not here' : undefined);
  useEffect(() => void (photo && likes.ask([id])), [!photo]);

  if (nowhere && !photo) return <NotHere />;
  if (error && !photo) return <Failed error={error} retry={retry} />;
  if (state && !photo) return <NotHere />;
  return (
    <article class="photo" aria-busy={!photo}>
      <div class="stage">{photo && <Picture photo={photo} eager sizes="(min-width: 62rem) 60vw, 100vw" />}</div>
      <div class="side">
        {photo && <header><By user={author} />{photo.private && <Private />}<Ago time={photo.create_time} /></header>}
        <h1 class={photo ? 'caption' : 'unseen'}>{photo ? photo.caption || 'Without a caption' : 'Loading …'}</h1>
        {photo && <div class="actions"><LikeButton photo={photo} /><Remove photo={photo} /></div>}
        <Comments photo={id} author={photo?.author} />
      </div>
    </article>
  );
}

export const NotHere = () => (
  <div class="empty"><h1>There is nothing here</h1><p>Or it is not for you to see. <a href="/">Back to the photos</a></p></div>
);

function Remove({ photo }: { photo: Photo }) {
  if (!isMe(photo.author) && !me.value?.roles.includes('moderator')) return null;
  async function remove() {
    if (!confirm('Delete this photo for good?')) return;
    try {
      await rt.photos.delete(photo.id);
      go('/');
      notice('The photo is deleted.');
    } catch (error) {
      notice(`The photo is still there: ${explain(error)}`);
    }
  }
  return <button class="quiet" type="button" onClick={remove}>Delete</button>;
}

// Comments are read from the newest back; the newest stands last, above the box to write in.
function Comments({ photo, author }: { photo: string; author?: string }) {
  const query = { where: { photo }, order_by: 'id desc', expand: ['author'] as const, page_size: 30 };
  const { state, error, retry, feed } = useFeed(() => rt.comments.watch(query), `${photo} ${me.value?.account.id}`);
  const [sent, setSent] = useState<Comment[]>([]); // one's own, until the feed has them
  if (error && !state) return <Failed error={error} retry={retry} />;
  if (!state || !author) return null; // all of it at once, so that nothing moves

  const stored = state.records;
  const all = [...stored].reverse().concat(sent.filter((mine) => !stored.some((c) => c.id === mine.id)));
  async function send(values: FormData, form: HTMLFormElement) {
    const comment = await rt.comments.create({ photo, text: String(values.get('text')) });
    setSent((old) => [...old, { ...comment, expand: { author: me.value!.account } }]);
    form.reset();
  }
  return (
    <section class="talk" aria-labelledby="comments">
      <h2 id="comments">Comments</h2>
      {state.more && <button class="quiet" type="button" onClick={() => void feed!.more()}>Show earlier comments</button>}
      <ol class="comments" aria-live="polite" aria-relevant="additions">
        {all.map((c) => <Said key={c.id} comment={c} mine={isMe(c.author) || isMe(author)} />)}
      </ol>
      {!all.length && <p class="fine">Nobody has said anything yet.</p>}
      {me.value
        ? <Form class="say" action="Send" submit={send} fields={[{ name: 'text', label: 'Your comment', required: true, maxLength: 1000, autoComplete: 'off', placeholder: 'Say something kind' }]} />
        : me.value === null && <p class="fine"><a href="/sign-in">Sign in</a> to say something.</p>}
    </section>
  );
}

function Said({ comment, mine }: { comment: Comment; mine: boolean }) {
  const [gone, setGone] = useState(false);
  async function remove() {
    setGone(true);
    await rt.comments.delete(comment.id).catch((error) => {
      setGone(false);
      notice(`The comment is still there: ${explain(error)}`);
    });
  }
  return (
    <li class="comment" hidden={gone}>
      <By user={comment.expand?.author} />
      <Ago time={comment.create_time} />
      <p>{comment.text}</p>
      {mine && <button class="quiet" type="button" onClick={remove} aria-label={`Delete the comment “${comment.text.slice(0, 40)}”`}>Delete</button>}
    </li>
  );
}
