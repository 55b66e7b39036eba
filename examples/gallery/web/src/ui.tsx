// Small things that every page uses.
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { explain, fileUrl, status, type Photo, type User } from './api';

const drawings = {
  home: 'M4 11.2 12 4l8 7.2V20h-5.5v-5.5h-5V20H4z',
  search: 'M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM15.6 8.4l-2 5.2-5.2 2 2-5.2z',
  plus: 'M12 5v14M5 12h14',
  bell: 'M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 2h-15zM10 18.7a2 2 0 0 0 4 0',
  heart: 'M12 20.3S3.6 15.3 3.6 9.3A4.6 4.6 0 0 1 12 6.7a4.6 4.6 0 0 1 8.4 2.6c0 6-8.4 11-8.4 11z',
  talk: 'M4 5.5h16v11h-8.5L7 20v-3.5H4z',
  lock: 'M6.5 11h11v8.5h-11zM9 11V8a3 3 0 0 1 6 0v3',
  gear: 'M4 7h9M19 7h1M4 12h1M11 12h9M4 17h9M19 17h1M16 4.8v4.4M8 9.8v4.4M16 14.8v4.4',
  picture: 'M4 5.5h16v13H4zM4 16l4.5-4.5 4 4 3-3 4.5 4.5M15 8.7a1 1 0 1 1 0 .1',
  close: 'M6 6l12 12M18 6 6 18',
};
export type Drawing = keyof typeof drawings;

// Icon is a line drawing; what it means must be said in words beside it.
export const Icon = ({ name }: { name: Drawing }) => (
  <svg class={`icon icon-${name}`} viewBox="0 0 24 24" aria-hidden="true"><path d={drawings[name]} /></svg>
);

export function Face({ user, size = 64 }: { user?: User; size?: 64 | 256 }) {
  if (!user?.avatar) return <span class="face" aria-hidden="true">{(user?.handle ?? '?')[0]?.toUpperCase()}</span>;
  return <img class="face" src={fileUrl('users', user, 'avatar', size)} alt="" width={size} height={size} />;
}

// A handle may have a dot in it. The slash at the end says that it is a page and no file, which the server would look for.
export const personLink = (handle = '') => `/people/${handle}/`;

// By names who made something, with their face.
export function By({ user }: { user?: User }) {
  if (!user) return <span class="by"><Face /> somebody</span>;
  return <a class="by" href={personLink(user.handle)}><Face user={user} /><strong>{user.handle}</strong></a>;
}

// Picture shows a photo. Width and height come from the record, so nothing moves when the picture arrives. One that did not
// come is asked for again when the server can be reached again.
export function Picture({ photo, sizes, eager }: { photo: Photo; sizes: string; eager?: boolean }) {
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    if (status.value === 'live') setFailed(false);
  }, [status.value]);
  const small = fileUrl('photos', photo, 'image', 320);
  return (
    <img key={String(failed)} onError={() => setFailed(true)} src={small} srcset={`${small} 320w, ${fileUrl('photos', photo, 'image', 1080)} 1080w`} sizes={sizes}
      width={photo.image.width} height={photo.image.height} alt={photo.caption || 'a photo without a caption'}
      loading={eager ? 'eager' : 'lazy'} decoding="async" />
  );
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const units: [Intl.RelativeTimeFormatUnit, number][] = [['year', 31536000], ['month', 2592000], ['week', 604800], ['day', 86400], ['hour', 3600], ['minute', 60]];

export function Ago({ time }: { time: string }) {
  const then = new Date(time);
  const seconds = (then.getTime() - Date.now()) / 1000;
  const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= length) ?? [];
  return <time dateTime={time} title={then.toLocaleString()}>{unit ? relative.format(Math.round(seconds / length!), unit) : 'just now'}</time>;
}

export const plural = (n: number, one: string, many = `${one}s`) => `${n.toLocaleString('en')} ${n === 1 ? one : many}`;

// useTitle names the page: for the browser's tab, and for screen readers when the page is opened.
export function useTitle(title: string | undefined) {
  useEffect(() => {
    if (title) document.title = `${title} · Gallery`;
  }, [title]);
}

// Empty says that there is nothing, and what to do about it.
export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty"><h2>{title}</h2>{children}</div>
);

// Failed says why something could not be shown.
export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <div class="empty" role="alert">
      <h2>This could not be shown</h2>
      <p>{explain(error)}</p>
      {retry && <button type="button" onClick={retry}>Try again</button>}
    </div>
  );
}

// Messages that are shown for a while at the lower edge, and read to those who listen.
const notices = signal<{ id: number; text: string }[]>([]);
let count = 0;

const drop = (id: number) => (notices.value = notices.value.filter((n) => n.id !== id));

export function notice(text: string) {
  const id = ++count;
  notices.value = [...notices.value.slice(-2), { id, text }];
  setTimeout(drop, 10_000, id);
}

export const Notices = () => (
  <div class="notices" role="status">
    {notices.value.map(({ id, text }) => (
      <div class="notice" key={id}>
        <p>{text}</p>
        <button type="button" class="icon-button" aria-label="Close this message" onClick={() => drop(id)}><Icon name="close" /></button>
      </div>
    ))}
  </div>
);
