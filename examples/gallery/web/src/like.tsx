// The heart, and how many there are.
import { signal } from '@preact/signals';
import { me, type Photo } from './api';
import { likes } from './marks';
import { go } from './router';
import { Icon, plural } from './ui';

// A press moves the count at once. That is shown until the record has another count than when it was pressed: the server's
// own count, with this like in it, comes by the live feed.
const moved = signal<Record<string, { from: number; to: number } | undefined>>({});
const move = (photo: Photo, by: number | undefined) =>
  (moved.value = { ...moved.value, [photo.id]: by && { from: photo.likes, to: photo.likes + by } || undefined });

export function LikeButton({ photo }: { photo: Photo }) {
  const liked = likes.has(photo.id);
  const ahead = moved.value[photo.id];
  const count = ahead?.from === photo.likes ? ahead.to : photo.likes;

  async function press() {
    if (!me.value) return go('/sign-in');
    move(photo, ahead?.from === photo.likes ? undefined : liked ? -1 : 1);
    if (!(await likes.toggle(photo.id))) move(photo, undefined);
  }
  return (
    <button class="action like" type="button" aria-pressed={liked} onClick={press}
      aria-label={`${liked ? 'You like this' : 'Like'}, ${plural(count, 'like')}`}>
      <Icon name="heart" /><span class="number" aria-hidden="true">{count.toLocaleString('en')}</span>
    </button>
  );
}
