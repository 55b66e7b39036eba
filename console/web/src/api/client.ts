// Asking the console's API. A session that has ended is told to the whole page, which then shows the door.
import { useCallback, useEffect, useRef, useState } from 'react';

// Problem is an RFC 9457 answer with the product's own members.
export interface Problem {
  type?: string;
  title?: string;
  status?: number;
  code?: string;
  reason?: string;
  detail?: string;
  journey?: string;
  fix?: string;
  errors?: { code?: string; pointer?: string; parameter?: string; column?: number; detail?: string }[];
}

// ApiError is an answer that is not a good one, or none at all (status 0).
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.detail ?? problem.title ?? `the console answered ${status}`);
    this.name = 'ApiError';
  }
}

export const signedOut = new EventTarget(); // hears "out" when an answer says that nobody is signed in

// request sends one request and returns its good answer; body is sent as JSON, or as the form that it is.
export async function request(method: string, path: string, body?: unknown, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const form = body instanceof FormData;
  if (body !== undefined && !form) headers.set('Content-Type', 'application/json');
  let answer: Response;
  try {
    answer = await fetch(path, { credentials: 'same-origin', ...init, method, headers, body: body === undefined ? null : form ? body : JSON.stringify(body) });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new ApiError(0, { title: 'The console does not answer', detail: 'The console does not answer. Is the server running?' });
  }
  if (answer.ok) return answer;
  if (answer.status === 401 && !/\/(sign-in|claim|session)$/.test(path)) signedOut.dispatchEvent(new Event('out'));
  throw new ApiError(answer.status, await problemOf(answer));
}

async function problemOf(answer: Response): Promise<Problem> {
  const text = await answer.text();
  try {
    return JSON.parse(text) as Problem;
  } catch {
    return { title: text.trim().slice(0, 200) || answer.statusText };
  }
}

// call is request for JSON answers; nothing is undefined.
export async function call<T>(method: string, path: string, body?: unknown, init?: RequestInit): Promise<T> {
  const text = await (await request(method, path, body, init)).text();
  return (text ? JSON.parse(text) : undefined) as T;
}

// stillIn asks whether somebody is signed in, and tells the page where nobody is. Where the console does not answer, it is
// not known: then yes.
export async function stillIn(): Promise<boolean> {
  try {
    await request('GET', '/api/session');
  } catch (e) {
    if (!(e instanceof ApiError) || e.status !== 401) return true;
    signedOut.dispatchEvent(new Event('out'));
    return false;
  }
  return true;
}

export interface Loaded<T> {
  data: T | undefined;
  error: ApiError | undefined;
  busy: boolean;
  again: () => void; // asks anew; what is there stays until the answer has come
  set: (data: T) => void;
}

// useApi gets a path, and again when it changes; null asks nothing. With every (milliseconds) it asks again while the page
// is in sight.
export function useApi<T>(path: string | null, every = 0): Loaded<T> {
  const [state, setState] = useState<{ path: string | null; data?: T; error?: ApiError }>({ path: null });
  const [turn, setTurn] = useState(0);
  const latest = useRef(0);
  useEffect(() => {
    if (path === null) return;
    const stop = new AbortController();
    const mine = ++latest.current;
    call<T>('GET', path, undefined, { signal: stop.signal }).then(
      (data) => mine === latest.current && setState({ path, data }),
      (error: unknown) => {
        if (stop.signal.aborted || mine !== latest.current) return;
        const known = error instanceof ApiError ? error : new ApiError(0, { title: String(error) });
        setState((was) => ({ path, error: known, ...(was.path === path && was.data !== undefined ? { data: was.data } : {}) }));
      },
    );
    return () => stop.abort();
  }, [path, turn]);
  useEffect(() => {
    if (!every || path === null) return;
    const timer = setInterval(() => document.hidden || setTurn((n) => n + 1), every);
    return () => clearInterval(timer);
  }, [every, path]);
  const again = useCallback(() => setTurn((n) => n + 1), []);
  const set = useCallback((data: T) => setState({ path, data }), [path]);
  const fresh = state.path === path;
  return { data: fresh ? state.data : undefined, error: fresh ? state.error : undefined, busy: !fresh && path !== null, again, set };
}

// query makes a query string of what is not empty, with its ? in front.
export function query(values: Record<string, string | number | undefined>): string {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined && value !== '') q.set(name, String(value));
  const text = q.toString();
  return text && `?${text}`;
}
