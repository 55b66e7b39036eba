// What is said when there is nothing, when it is not there yet, and when something went wrong.
import { type ReactNode, useEffect, useState } from 'react';
import type { ApiError, Loaded } from '../api/client';
import type { Wire } from '../api/live';
import { useNow } from './now';
import { ago, clock } from '../say';
import { Icon, type IconName } from './icons';
import { Button } from './press';

export function Empty({ icon = 'search', title, children, level = 2 }: { icon?: IconName; title: string; children?: ReactNode; level?: 2 | 3 }) {
  const Heading = level === 2 ? 'h2' : 'h3';
  return (
    <div className="empty">
      <Icon name={icon} />
      <Heading>{title}</Heading>
      {children}
    </div>
  );
}

// Note is a sentence that should be seen.
export function Note({ tone, icon, children, action }: { tone?: 'warn' | 'down' | 'well'; icon?: IconName; children: ReactNode; action?: ReactNode }) {
  return (
    <div className={`note ${tone ?? ''}`}>
      <Icon name={icon ?? (tone === 'well' ? 'check' : tone ? 'warn' : 'bulb')} />
      <div>{children}</div>
      {action}
    </div>
  );
}

const staleAfter = 3000; // ms: a break that is mended at once is none

// Stale says that what stands below is not how it is now. Green marks must not outlive the server that they are about.
export function Stale({ wire }: { wire: Wire }) {
  const [old, setOld] = useState(false);
  useEffect(() => {
    setOld(false);
    if (wire === 'open') return;
    const timer = setTimeout(() => setOld(true), staleAfter);
    return () => clearTimeout(timer);
  }, [wire]);
  if (!old) return null;
  return <Note tone="warn"><p role="status"><b>The console does not answer.</b> What you see is how it was before; it is tried again by itself. Does the server run?</p></Note>;
}

// ErrorNote says what went wrong, what to do where the server knows it, and offers to try again.
export function ErrorNote({ error, again }: { error: ApiError; again?: () => void }) {
  const { detail, title, fix, reason, journey, errors } = error.problem;
  return (
    <div role="alert">
      <Note tone="down" action={again && <Button onClick={again}>Try again</Button>}>
        <p>{detail ?? title ?? error.message}</p>
        {errors?.map((e, i) => <p key={i} className="fine">{[e.pointer ?? e.parameter, e.detail].filter(Boolean).join(': ')}</p>)}
        {fix && <p className="fine">Fix: {fix}</p>}
        {(reason || journey) && <p className="fine">{reason && <code>{reason}</code>} {journey && <a href={`/journeys/${journey}`}>journey {journey.slice(0, 8)}</a>}</p>}
      </Note>
    </div>
  );
}

// Bones stand where content will be.
export function Bones({ lines = 5 }: { lines?: number }) {
  return <div className="bones" aria-busy="true" aria-label="Loading">{Array.from({ length: lines }, (_, i) => <div key={i} className="bone" />)}</div>;
}

// Ready shows what was loaded, or where it is: not there yet, or failed.
export function Ready<T>({ of, lines, children }: { of: Loaded<T>; lines?: number; children: (data: T) => ReactNode }) {
  if (of.data !== undefined) return <>{of.error && <ErrorNote error={of.error} again={of.again} />}{children(of.data)}</>;
  if (of.error) return <ErrorNote error={of.error} again={of.again} />;
  return <Bones {...(lines ? { lines } : {})} />;
}

// Ago is a moment, as how long it is past; the exact time shows when pointed at.
export function Ago({ at }: { at: string }) {
  const now = useNow();
  return <time dateTime={at} title={clock(at, { day: true, millis: true })} className="nowrap">{ago(at, now)}</time>;
}
