// Calls: one request, its retries, and its error.

import { RoundtripError } from './error.js';
import type { Options } from './types.js';

/** One call of the API. */
export interface Call {
  query?: URLSearchParams | undefined;
  body?: unknown;
  headers?: Record<string, string> | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((part: number) => void) | undefined;
  /** Whether a second arrival does no harm. */
  repeatable?: boolean | undefined;
}

interface Answer {
  status: number;
  header(name: string): string | null;
  body: string;
}

/** A call without a file is given up after this time, in milliseconds. */
const patience = 30_000;
/** The longest wait for a server that asks for it, in seconds. A longer one is the caller's to decide. */
const longestWait = 10;

/** Http sends calls to the API below `base`. */
export class Http {
  readonly base: URL;
  readonly credentials: RequestCredentials;
  readonly fetch: typeof fetch;
  token: string | undefined;
  /** Called when the server says that the session is over. */
  onSessionEnd: () => void = () => {};
  private readonly retries: number;

  constructor(options: Options) {
    this.base = new URL(options.url, globalThis.location?.href);
    if (!this.base.pathname.endsWith('/')) this.base.pathname += '/';
    this.credentials = options.credentials ?? 'same-origin';
    this.fetch = options.fetch ?? fetch.bind(globalThis);
    this.retries = options.retries ?? 3;
  }

  /** The whole URL of a path below the API. */
  url(path: string, query?: URLSearchParams): string {
    const url = new URL('./' + path, this.base); // comments:aggregate alone would be read as a scheme
    if (query) url.search = encode(query);
    return url.href;
  }

  /** The headers that say who asks. */
  authorization(): Record<string, string> {
    return this.token ? { Authorization: `Bearer ${this.token}` } : {};
  }

  /** Sends a call, again where that may help, and gives the answer's JSON. */
  async call<T>(method: string, path: string, call: Call = {}): Promise<T> {
    const body = encodeBody(call.body);
    for (let tried = 0; ; tried++) {
      let failed: RoundtripError;
      const token = this.token;
      try {
        const answer = await this.once(method, this.url(path, call.query), body, call);
        if (answer.status < 400) return (answer.body ? parse(answer) : undefined) as T;
        failed = problem(answer);
      } catch (e) {
        if (call.signal?.aborted) throw call.signal.reason;
        failed = e instanceof RoundtripError ? e : noAnswer(e);
      }
      const wait = failed.retryAfter ?? 0;
      if (!call.repeatable || !passing(failed) || tried >= this.retries || wait > longestWait) {
        const over = failed.reason === 'auth.expired' || failed.reason === 'auth.invalid';
        if (over && failed.status === 401 && token === this.token) this.onSessionEnd();
        throw failed;
      }
      await pause(Math.max(wait * 1000, 200 + Math.random() * 400 * 2 ** tried), call.signal);
    }
  }

  private async once(method: string, url: string, body: Body, call: Call): Promise<Answer> {
    const headers = { Accept: 'application/json', ...this.authorization(), ...call.headers };
    if (typeof body === 'string') Object.assign(headers, { 'Content-Type': 'application/json' });
    if (call.onProgress && typeof XMLHttpRequest !== 'undefined')
      return this.withProgress(method, url, body, headers, call);
    const cut = new AbortController();
    const abort = () => cut.abort(call.signal?.reason);
    if (call.signal?.aborted) abort();
    call.signal?.addEventListener('abort', abort);
    const timer = body instanceof FormData ? undefined : setTimeout(() => cut.abort(), patience);
    try {
      const init: RequestInit = { method, headers, credentials: this.credentials, signal: cut.signal };
      if (body !== undefined) init.body = body;
      const response = await this.fetch(url, init);
      const header = (name: string) => response.headers.get(name);
      const text = await response.text().catch((e) => Promise.reject(noAnswer(e, header('X-Journey'))));
      return { status: response.status, header, body: text };
    } finally {
      clearTimeout(timer);
      call.signal?.removeEventListener('abort', abort);
    }
  }

  // fetch can't tell how much of a body has been sent, so this is what XMLHttpRequest is left for.
  private withProgress(
    method: string,
    url: string,
    body: Body,
    headers: Record<string, string>,
    call: Call,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const xhr = new XMLHttpRequest();
      xhr.open(method, url);
      xhr.withCredentials = this.credentials === 'include';
      for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
      const abort = () => xhr.abort();
      let journey: string | null = null; // of an answer that is cut XMLHttpRequest forgets the headers
      xhr.onreadystatechange = () => {
        if (xhr.readyState === xhr.HEADERS_RECEIVED) journey = xhr.getResponseHeader('X-Journey');
      };
      xhr.upload.onprogress = (e) => e.lengthComputable && call.onProgress?.(e.loaded / e.total);
      xhr.onload = () =>
        resolve({ status: xhr.status, header: (name) => xhr.getResponseHeader(name), body: xhr.responseText });
      xhr.onerror = xhr.onabort = () => reject(noAnswer(call.signal?.reason, journey));
      xhr.onloadend = () => call.signal?.removeEventListener('abort', abort);
      call.signal?.addEventListener('abort', abort);
      if (call.signal?.aborted) reject(call.signal.reason);
      else xhr.send(body ?? null);
    });
  }
}

type Body = string | FormData | undefined;

/** An object with files becomes a form: its files, and one part with everything else. */
function encodeBody(body: unknown): Body {
  if (body === undefined) return undefined;
  if (typeof body !== 'object' || body === null) return JSON.stringify(body);
  const files = Object.entries(body).filter(([, value]) => value instanceof Blob);
  if (files.length === 0) return JSON.stringify(body);
  const form = new FormData();
  const rest = Object.fromEntries(Object.entries(body).filter(([, value]) => !(value instanceof Blob)));
  form.append('data', JSON.stringify(rest));
  for (const [name, value] of files) form.append(name, value as Blob);
  return form;
}

/** Writes a query with %20 for a space, which is right in a path of a topic too. */
export function encode(query: URLSearchParams): string {
  return query.toString().replaceAll('+', '%20');
}

function parse(answer: Answer): unknown {
  try {
    return JSON.parse(answer.body);
  } catch (e) {
    const journey = answer.header('X-Journey') ?? '';
    throw new RoundtripError({ status: answer.status, code: 'unknown', detail: 'The answer is no JSON.', journey }, e);
  }
}

function problem(answer: Answer): RoundtripError {
  const seconds = Number(answer.header('Retry-After') ?? NaN);
  const more = {
    status: answer.status,
    journey: answer.header('X-Journey') ?? '',
    ...(seconds >= 0 ? { retryAfter: seconds } : {}),
  };
  try {
    return new RoundtripError({ ...JSON.parse(answer.body), ...more });
  } catch {
    return new RoundtripError(more); // of something on the way, which speaks no problem+json
  }
}

/** The error of a call that got no answer, or one that was cut: then its headers have told the journey. */
export function noAnswer(cause?: unknown, journey?: string | null): RoundtripError {
  // Node's fetch says no more than that it failed; why is said by the cause of that.
  const { message, code } = (cause as { cause?: { message?: string; code?: string } } | undefined)?.cause ?? {};
  const why = message || code;
  const detail = `${journey ? 'The answer of the server was cut' : 'No answer came from the server'}${why ? `: ${why}` : '.'}`;
  return new RoundtripError({ code: 'network', detail, journey: journey ?? '' }, cause);
}

/** Whether a failure may be over in a moment. */
export function passing(e: RoundtripError): boolean {
  return e.code === 'network' || [429, 502, 503, 504].includes(e.status);
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', abort);
  });
}
