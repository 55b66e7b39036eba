// Which page stands where.
import { type ComponentType, lazy, Suspense, useEffect } from 'react';
import { useApi } from './api/client';
import type { Overview } from './api/types';
import { Bones, Empty, ErrorNote, Toasts } from './parts';
import { follow, usePlace } from './router';
import { useKnown } from './session';
import { Boundary } from './shell/boundary';
import { Door } from './shell/door';
import { Page } from './shell/page';
import { Shell } from './shell/shell';

const pages: Record<string, ComponentType<{ parts: string[] }>> = {
};

export function App() {
  const { session, error, refresh } = useKnown();
  useEffect(() => {
    addEventListener('click', follow);
    return () => removeEventListener('click', follow);
  }, []);
  return (
    <>
      {session ? <Inside /> : session === null ? <Door /> : error ? <main className="door"><ErrorNote error={error} again={() => void refresh()} /></main> : null}
      <Toasts />
    </>
  );
}

function Inside() {
  const { parts, path } = usePlace();
  const { data } = useApi<Overview>('/api/overview', 15_000);
  const [first = '', ...rest] = parts;
  const Found = pages[first];
  return (
    <Shell name={data?.name ?? ''}>
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
