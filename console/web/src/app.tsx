// Which page stands where.
import { type ComponentType, lazy, Suspense, useEffect } from 'react';
import { Bones, Empty, ErrorNote, Toasts } from './parts';
import { follow, usePlace } from './router';
import { useKnown } from './session';
import { Boundary } from './shell/boundary';
import { Door } from './shell/door';
import { Page } from './shell/page';
import { Shell } from './shell/shell';

const pages: Record<string, ComponentType<{ parts: string[] }>> = {
  '': lazy(() => import('./pages/overview')),
  journeys: lazy(() => import('./pages/journeys')),
  path: lazy(() => import('./pages/path')),
  why: lazy(() => import('./pages/why')),
  calls: lazy(() => import('./pages/calls')),
  generations: lazy(() => import('./pages/generations')),
  reasons: lazy(() => import('./pages/reasons')),
  operators: lazy(() => import('./pages/operators')),
  audit: lazy(() => import('./pages/audit')),
  data: lazy(() => import('./pages/data')),
  people: lazy(() => import('./pages/people')),
};

export function App() {
  const { session, error, refresh } = useKnown();
  useEffect(() => {
    addEventListener('click', follow);
    return () => removeEventListener('click', follow);
  }, []);
  return (
    <>
      {session ? <Inside project={session.project} /> : session === null ? <Door /> : error ? <main className="door"><ErrorNote error={error} again={() => void refresh()} /></main> : null}
      <Toasts />
    </>
  );
}

function Inside({ project }: { project: string | undefined }) {
  const { parts, path } = usePlace();
  const [first = '', ...rest] = parts;
  const Found = pages[first];
  return (
    <Shell name={project ?? ''}>
      <Boundary at={path}>
        <Suspense fallback={<Bones />}>{Found ? <Found parts={rest} /> : <Nowhere />}</Suspense>
      </Boundary>
    </Shell>
  );
}

function Nowhere() {
  return (
    <Page title="Nothing here">
      <Empty icon="why" title="The console has no such page"><p><a href="/">To the overview</a></p></Empty>
    </Page>
  );
}
