// The server, as this page sees it: one client, who is signed in, and how feeds become what is on the screen.
import { createClient, RoundtripError, type Feed, type Item, type Me } from '@roundtrip/client';
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { Schema, User } from './schema';

export type { User };
export type Photo = Item<Schema, 'photos', 'author', never>;
export type Comment = Item<Schema, 'comments', 'author', never>;

export const rt = createClient<Schema>({ url: '/api/' });
export const fileUrl = rt.fileUrl;

// Who is signed in: null for nobody, undefined while that has not been answered. Signing out in one tab is known to all.
export const me = signal<Me<Schema> | null | undefined>(undefined);
rt.auth.onChange((now) => (me.value = now));
export const isMe = (id: string) => me.value?.account.id === id;

// How the live connection stands; see StatusValue of the client.
export const status = signal(rt.status.value);
rt.status.on((value) => (status.value = value));

// explain says what went wrong, for people.
export function explain(error: unknown) {
  if (!(error instanceof RoundtripError)) return String(error);
  if (error.code === 'network') return 'No answer came from the server. Are you online?';
  return error.journey ? `${error.detail} (journey ${error.journey})` : error.detail;
}

export const isNetwork = (error: unknown) => error instanceof RoundtripError && error.code === 'network';
export const statusOf = (error: unknown) => (error instanceof RoundtripError ? error.status : 0);
export const problemsOf = (error: unknown) => (error instanceof RoundtripError ? error.errors : []);

// useFeed shows a feed for as long as the component is there: its newest state, or why there is none. Another key is
// another feed; null is none.
export function useFeed<T>(make: () => Feed<T> | null, key: string) {
  const [now, set] = useState<{ feed?: Feed<T>; state?: T; error?: unknown }>({});
  const [turn, again] = useState(0);
  useEffect(() => {
    const feed = make();
    set({});
    if (!feed) return;
    const stop = feed.on((state) => set({ feed, state }), (error) => set((old) => ({ ...old, error })));
    return () => {
      stop();
      feed.stop();
    };
  }, [key, turn]);
  return { ...now, retry: () => again(turn + 1) };
}
