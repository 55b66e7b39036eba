// Where the reader is: the browser's own history and nothing more.
import { useSyncExternalStore } from 'react';

const moved = new EventTarget();

const here = () => location.pathname + location.search;

function subscribe(hear: () => void): () => void {
  addEventListener('popstate', hear);
  moved.addEventListener('moved', hear);
  return () => {
    removeEventListener('popstate', hear);
    moved.removeEventListener('moved', hear);
  };
}

export interface Place {
  path: string; // without a slash at its end
  parts: string[];
  search: URLSearchParams;
}

export function usePlace(): Place {
  const at = useSyncExternalStore(subscribe, here);
  const [path = '/', search = ''] = at.split('?', 2);
  return { path, parts: path.split('/').filter(Boolean).map(decodeURIComponent), search: new URLSearchParams(search) };
}

// go leads to another place of the console; with replace, the back button leads past this one.
export function go(to: string, { replace = false, keepScroll = false } = {}): void {
  if (to === here()) return;
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  moved.dispatchEvent(new Event('moved'));
  if (!keepScroll) scrollTo(0, 0);
}

// follow makes a click on a link of ours a step of the router; others, and clicks with a modifier, stay the browser's.
export function follow(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element).closest?.('a[href]') as HTMLAnchorElement | null;
  if (!link || link.target || link.origin !== location.origin || link.hasAttribute('download') || link.pathname.startsWith('/api/') || link.pathname === '/metrics') return;
  event.preventDefault();
  if (link.hash && link.pathname === location.pathname) return document.getElementById(link.hash.slice(1))?.focus();
  go(link.pathname + link.search, { keepScroll: link.dataset.keepScroll !== undefined });
}
