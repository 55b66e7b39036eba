// Likes: shown at once, taken back when the server refuses.
import { call, list, session } from './api.js';
import { complain, h, icon, plural } from './dom.js';

// ownLikes returns which of the photos the caller likes: a Map from the photo's id to the like's.
export async function ownLikes(photos) {
  if (!session.account || !photos.length) return new Map();
  const ids = photos.map((photo) => `"${photo.id}"`).join(', ');
  const own = await list('likes', { user: session.account.id, filter: `photo in [${ids}]`, page_size: photos.length });
  return new Map(own.likes.map((like) => [like.photo, like.id]));
}

// likeButton shows how many people like a photo, and likes it when pressed. like is the id of the caller's own like.
export function likeButton(photo, like) {
  let count = photo.likes ?? 0;
  let busy = false;
  const number = h('span', { class: 'number', 'aria-hidden': 'true' });
  const button = h('button', { class: 'action like', type: 'button' }, icon('heart'), number);
  const draw = (liked) => {
    button.setAttribute('aria-pressed', String(liked));
    button.setAttribute('aria-label', `${plural(count, 'like')}. ${liked ? 'You like this' : 'Like this'}`);
    number.textContent = count.toLocaleString('en');
  };
  button.addEventListener('click', async () => {
    if (!session.account) {
      location.hash = '#/sign-in';
      return;
    }
    if (busy) return;
    busy = true;
    const before = like;
    count += before ? -1 : 1;
    draw(!before);
    try {
      like = before ? await unlike(before) : await create(photo);
    } catch (problem) {
      count += before ? 1 : -1;
      complain(problem, before ? 'You still like this' : 'Your like was not kept');
    }
    draw(Boolean(like));
    busy = false;
  });
  draw(Boolean(like));
  return button;
}

async function create(photo) {
  try {
    return (await call('POST', 'likes', { photo: photo.id })).id;
  } catch (problem) {
    if (problem.status !== 409) throw problem; // 409: it is liked already, in another window
    return (await list('likes', { user: session.account.id, photo: photo.id })).likes[0]?.id;
  }
}

async function unlike(id) {
  try {
    await call('DELETE', `likes/${id}`);
  } catch (problem) {
    if (problem.status !== 404) throw problem; // 404: it is gone already
  }
}
