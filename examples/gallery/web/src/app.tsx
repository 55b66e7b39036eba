// The frame of every page: where one can go, whether the server can be reached, and the page itself.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { SignIn, SignUp } from './account';
import { me, status } from './api';
import { Bell, BellLink } from './bell';
import { Discover, Home } from './feed';
import { follows, likes } from './marks';
import { Person } from './people';
import { NotHere, PhotoPage } from './photo';
import { path, scrollToEntry } from './router';
import { Settings } from './settings';
import { Share } from './share';
import { Face, Icon, Notices, personLink, plural, type Drawing } from './ui';

// page finds what a path shows, and whether it stays in the background when something else is opened, so that going back
// finds it as it was left.
function page(path: string): { show: preact.JSX.Element; stays?: boolean } {
  const [, first = '', second] = path.split('/').map(decodeURIComponent);
  if (first === '') return { show: <Home />, stays: true };
  if (first === 'discover') return { show: <Discover />, stays: true };
  if (first === 'photo' && second) return { show: <PhotoPage id={second} /> };
  if (first === 'people' && second) return { show: <Person handle={second} />, stays: true };
  if (first === 'sign-up') return { show: <SignUp /> };
  if (first === 'sign-in' || (['share', 'bell', 'settings'].includes(first) && !me.value)) return { show: <SignIn /> };
  if (first === 'share') return { show: <Share /> };
  if (first === 'bell') return { show: <Bell /> };
  if (first === 'settings') return { show: <Settings /> };
  return { show: <NotHere /> };
}

export function App() {
  const main = useRef<HTMLElement>(null);
  const kept = useRef<string[]>([]); // paths of the pages in the background
  const now = path.value;
  const first = useRef(true);
  if (page(now).stays) kept.current = [...kept.current.filter((p) => p !== now), now].slice(-4);

  useLayoutEffect(() => {
    if (!first.current) main.current!.focus({ preventScroll: true });
    first.current = false;
    scrollToEntry();
  }, [now]);

  const pages = kept.current.includes(now) ? kept.current : [...kept.current, now];
  return (
    <>
      <a class="skip" href="#main">Skip to the content</a>
      <Bar here={now} />
      <Connection />
      <main id="main" tabIndex={-1} ref={main}>
        {me.value !== undefined && [...pages].sort().map((p) => <div key={p} hidden={p !== now}>{page(p).show}</div>)}
      </main>
      <Announcer now={now} />
      <Notices />
    </>
  );
}

function Bar({ here }: { here: string }) {
  const link = (to: string, icon: Drawing, word: string) => (
    <a href={to} aria-current={here === to ? 'page' : undefined}><Icon name={icon} /><span class="word">{word}</span></a>
  );
  const account = me.value?.account;
  return (
    <header class="bar">
      <a class="brand" href="/"><img src="/favicon.svg" alt="" width={28} height={28} /><span>Gallery</span></a>
      <nav aria-label="Main">
        {link('/', 'home', 'Home')}
        {link('/discover', 'search', 'Discover')}
        {account && link('/share', 'plus', 'Share')}
        {account && <BellLink here={here === '/bell'} />}
        {account && <a href={personLink(account.handle)} aria-current={here === personLink(account.handle) ? 'page' : undefined}><Face user={account} /><span class="word">Profile</span></a>}
        {account && link('/settings', 'gear', 'Settings')}
        {me.value === null && <a href="/sign-in" aria-current={here === '/sign-in' ? 'page' : undefined}><Icon name="lock" /><span class="word">Sign in</span></a>}
      </nav>
    </header>
  );
}

// Connection says when the server can't be reached, what becomes of what one does meanwhile, and when it is there again.
function Connection() {
  const [wasOffline, set] = useState(false);
  const waiting = likes.waiting + follows.waiting;
  const now = status.value;
  useEffect(() => {
    if (now === 'offline') set(true);
    if (now === 'live' || now === 'idle') set(false);
  }, [now]);
  const kept = waiting ? ` ${plural(waiting, 'press', 'presses')} kept back.` : '';
  const text = now === 'offline' ? `You are offline.${kept || ' What you like is kept back until you are here again.'}`
    : wasOffline && now === 'connecting' ? `Catching up …${kept}` : '';
  return <div class="connection" role="status">{text && <p>{text}</p>}</div>;
}

// Announcer tells screen readers which page was opened.
function Announcer({ now }: { now: string }) {
  const [title, set] = useState('');
  useEffect(() => {
    const later = setTimeout(() => set(document.title), 400); // the title comes with the page's data
    return () => clearTimeout(later);
  }, [now]);
  return <p class="unseen" aria-live="assertive">{title}</p>;
}
