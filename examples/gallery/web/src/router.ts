// Which page is open: the path of the address, with the browser's own history and links.
import { signal } from '@preact/signals';

export const path = signal(location.pathname);

// Where each entry of the history was scrolled to, so that going back finds the place again.
const scrolled = new Map<string, number>();
let entry = 'first';
history.scrollRestoration = 'manual';

// go opens a path of this page.
export function go(to: string) {
  if (to === path.value) return scrollTo({ top: 0, behavior: 'smooth' });
  scrolled.set(entry, scrollY);
  entry = crypto.randomUUID();
  history.pushState(entry, '', to);
  path.value = location.pathname;
}

// scrollToEntry puts a page that has just been shown where it was left, or to its top.
export const scrollToEntry = () => scrollTo(0, scrolled.get(entry) ?? 0);

addEventListener('popstate', (event) => {
  scrolled.set(entry, scrollY);
  entry = (event.state as string) ?? 'first';
  path.value = location.pathname;
});

// Links are plain <a href>: what a click on one of ours would load is shown without loading.
addEventListener('click', (event) => {
  const link = (event.target as Element).closest?.('a');
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !plain || event.defaultPrevented || link.target || link.origin !== location.origin) return;
  if (link.hash || link.pathname.startsWith('/api/')) return;
  event.preventDefault();
  go(link.pathname);
});
