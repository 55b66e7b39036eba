// The whole interface of the client on one page. Members that travel have the names that they have on the wire (page_size);
// everything else is camelCase.

import type { RoundtripError } from './error.js';
import type { AccountOf, AnySchema, Base, FilesOf, InputOf, Item, Names, PatchOf, Path, RecordOf } from './schema.js';

/** What createClient takes. */
export interface Options {
  /** Where the API is mounted: `/api/` in a page of the site itself, else a whole URL. */
  url: string;
  /** A session's token. Pages of the site itself need none: they have a cookie. */
  token?: string;
  /** Where a token is kept; localStorage in browsers, else the memory of this client. */
  storage?: TokenStorage;
  /** `include` for a page of the same site on another origin (cors.credentials); `same-origin` if it is left out. */
  credentials?: RequestCredentials;
  /** How often a call is repeated that got no answer, or a 502, 503, 504 or 429: 3. */
  retries?: number;
  /** Whether the tabs of one browser share one connection; true where the browser can do it. */
  share?: boolean;
  /** A WebSocket for Node before version 22, such as that of the package `ws`; else server-sent events are used. */
  WebSocket?: typeof WebSocket;
  fetch?: typeof fetch;
}

/** What keeps a token; `localStorage` is one. */
export interface TokenStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** A client. Every collection is a member of it, under its name, unless a member of ClientBase is called so. */
export type Client<S extends AnySchema> = ClientBase<S> & {
  readonly [C in Names<S> as C extends keyof ClientBase<S> ? never : C]: Collection<S, C>;
};

/** What a client has beside its collections. */
export interface ClientBase<S extends AnySchema> {
  /** A collection by name, for names that are not known before or that a member of the client already has. */
  collection<C extends Names<S> | (string & {})>(name: C): Collection<S, C>;
  readonly auth: Auth<S>;
  readonly inbox: Inbox<S>;
  readonly status: Status;
  /** A channel by its name and key, such as `photo/ID`. */
  channel<D = unknown>(name: `${S['channels']}/${string}`): Channel<D>;
  /** Up to 100 writes in one transaction. The results are records, or null for deletes. */
  batch(ops: readonly Op<S>[], options?: WriteOptions): Promise<(Base | null)[]>;
  /** The URL of a record's file, of an image at one of its declared widths. With the record, browsers keep it for good. */
  fileUrl<C extends Names<S> | (string & {})>(
    collection: C,
    record: string | { id: string },
    field: FilesOf<S, C>,
    size?: number,
  ): string;
  /** Ends all feeds and the connection. */
  close(): void;
}

/** What list, all and watch take. */
export interface Query<S extends AnySchema, C, E, F> {
  /** A condition: see `filter` for values in it. */
  filter?: string;
  /** Equality, joined with and. */
  where?: { [K in keyof RecordOf<S, C> & string]?: string | number | boolean };
  /** `create_time desc`, up to 4 fields. */
  order_by?: string;
  /** 1 to 200; 20 if left out. */
  page_size?: number;
  /** Refs to follow. */
  expand?: readonly E[];
  /** Members to answer with; `id` always comes along. */
  fields?: readonly F[];
}

/** One page. */
export interface Page<T> {
  records: T[];
  /** '' after the last page. */
  next_page_token: string;
  /** With `count: 'exact'`. */
  total_size?: number;
}

/** Options of one read. */
export interface ReadOptions {
  signal?: AbortSignal;
}

/** Options of one write. */
export interface WriteOptions {
  signal?: AbortSignal;
  /** The Idempotency-Key; a random one if left out. Give one to repeat a write safely after the page was loaded again. */
  key?: string;
  /** How much of the body has been sent, 0 to 1. Browsers only. */
  onProgress?: (part: number) => void;
  /** Write only if the record still has this etag. */
  ifMatch?: string;
}

/** The calls of one collection. */
export interface Collection<S extends AnySchema, C> {
  list<const E extends Path<S, C> = never, const F extends keyof RecordOf<S, C> & string = never>(
    query?: Query<S, C, E, F> & { page_token?: string; count?: 'exact' },
    options?: ReadOptions,
  ): Promise<Page<Item<S, C, E, F>>>;
  /** Every record that matches; pages are asked for as they are needed. */
  all<const E extends Path<S, C> = never, const F extends keyof RecordOf<S, C> & string = never>(
    query?: Query<S, C, E, F>,
    options?: ReadOptions,
  ): AsyncIterable<Item<S, C, E, F>>;
  get<const E extends Path<S, C> = never, const F extends keyof RecordOf<S, C> & string = never>(
    id: string,
    query?: { expand?: readonly E[]; fields?: readonly F[] },
    options?: ReadOptions,
  ): Promise<Item<S, C, E, F>>;
  /** Files are given as File or Blob. */
  create(input: InputOf<S, C>, options?: WriteOptions): Promise<RecordOf<S, C>>;
  /** What is left out stays, null takes a value away. Null is answered if you may no longer read the record. */
  update(id: string, patch: PatchOf<S, C>, options?: WriteOptions): Promise<RecordOf<S, C> | null>;
  delete(id: string, options?: WriteOptions): Promise<void>;
  aggregate(
    query: {
      select?: readonly string[];
      group_by?: readonly string[];
      filter?: string;
      where?: Query<S, C, never, never>['where'];
    },
    options?: ReadOptions,
  ): Promise<{ [member: string]: any }[]>;
  /** The records that match, now and from now on. */
  watch<const E extends Path<S, C> = never, const F extends keyof RecordOf<S, C> & string = never>(
    query?: Query<S, C, E, F>,
  ): Feed<FeedState<Item<S, C, E, F>>>;
  /** One record, now and from now on; null once it is gone. Where there is none at first, the error is `not_found`. */
  watch<const E extends Path<S, C> = never, const F extends keyof RecordOf<S, C> & string = never>(
    id: string,
    query?: { expand?: readonly E[]; fields?: readonly F[] },
  ): Feed<RecordState<Item<S, C, E, F>>>;
}

/** One write of a batch. Give ids yourself (`newID()`) to refer to a record that the same batch creates. */
export type Op<S extends AnySchema> = {
  [C in Names<S>]:
    | { op: 'create'; collection: C; id?: string; data: InputOf<S, C> }
    | { op: 'update'; collection: C; id: string; etag?: string; data: PatchOf<S, C> }
    | { op: 'delete'; collection: C; id: string; etag?: string };
}[Names<S>];

/**
 * Something that goes on: a `for await` over it gives states, and so does `on`. It starts with the first listener and
 * ends with the last. A reader that is slower than the changes gets the newest state, with all changes since its last.
 */
export interface Feed<T> extends AsyncIterable<T> {
  /** The newest state, undefined before the first. */
  readonly state: T | undefined;
  /**
   * Calls back with each state, at once if there is one; returns what ends it. `error` hears why the feed is refused; where
   * nobody listens for that, it goes to the console.
   */
  on(state: (state: T) => void, error?: (error: RoundtripError) => void): () => void;
  /** Loads the next page into the state, where it is live as well. False if there is none. */
  more(): Promise<boolean>;
  stop(): void;
}

/** What happened to one record. */
export type Change<T> = { type: 'put'; id: string; record: T; before?: T } | { type: 'removed'; id: string; before: T };

/** The state of a watched collection. */
export interface FeedState<T> {
  /** In the order of `order_by`: the first page, what came since, and what `more` has loaded. */
  records: readonly T[];
  /** What is different from the state before. */
  changes: readonly Change<T>[];
  /** Whether there is a page after these. */
  more: boolean;
}

/** The state of one watched record. */
export interface RecordState<T> {
  record: T | null;
}

/** One entry of the inbox. */
export interface Notification<K extends string = string> {
  id: string;
  kind: K;
  text: string;
  read: boolean;
  seen: boolean;
  /** How many different people. */
  count: number;
  /** The last three of them, newest first. */
  actors: { id: string; [field: string]: string }[];
  /** What they are counted by, such as the id of a record; none for a kind that is not grouped. */
  group?: string;
  /** The newest record that caused it. */
  collection?: string;
  record?: string;
  seq: number;
  bumped: number;
  create_time: string;
  update_time: string;
}

/** The numbers of an inbox. */
export interface Numbers {
  unread: number;
  unseen: number;
  seq: number;
  read_through: number;
  seen_through: number;
}

/** The state of a watched inbox. */
export interface InboxState<K extends string = string> extends Numbers {
  /** Newest first. */
  notifications: readonly Notification<K>[];
  changes: readonly Change<Notification<K>>[];
  more: boolean;
}

/** What one wants to hear of, and how. */
export type Preferences<K extends string = string> = { [kind in K]: { inbox: boolean; push: boolean; email: boolean } };

/** The inbox of the account that is signed in. */
export interface Inbox<S extends AnySchema> {
  watch(): Feed<InboxState<S['notifications']>>;
  list(
    query?: { page_size?: number; page_token?: string },
    options?: ReadOptions,
  ): Promise<Numbers & { notifications: Notification<S['notifications']>[]; next_page_token: string }>;
  /** The bell was opened: all there is, or all up to a seq, has been seen. */
  seen(through?: number): Promise<Numbers>;
  read(ids: readonly string[]): Promise<Numbers>;
  readAll(): Promise<Numbers>;
  preferences(): Promise<Preferences<S['notifications']>>;
  setPreferences(patch: { [K in S['notifications']]?: Partial<Preferences[string]> }): Promise<
    Preferences<S['notifications']>
  >;
  /** Web Push for this browser, until this session ends. The page has to register a service worker and ask for the permission. */
  readonly push: {
    subscribe(registration: ServiceWorkerRegistration): Promise<void>;
    unsubscribe(registration: ServiceWorkerRegistration): Promise<void>;
  };
}

/** Who is signed in. */
export interface Me<S extends AnySchema> {
  account: AccountOf<S>;
  roles: S['roles'][];
  /** The id of this session. */
  session: string;
}

/** One device that is signed in. */
export interface Session {
  id: string;
  create_time: string;
  last_use_time: string;
  expire_time: string;
  name: string;
  address: string;
  current: boolean;
}

/** Signing in and out. */
export interface Auth<S extends AnySchema> {
  /** Who is signed in; null for nobody, undefined while that has not been asked. */
  readonly current: Me<S> | null | undefined;
  /** Asks the server who is signed in; null for nobody. */
  me(): Promise<Me<S> | null>;
  signUp(account: InputOf<S, S['accounts']> & { password: string }): Promise<Me<S>>;
  signIn(by: { [field in S['login'] | 'login']?: string } & { password: string }): Promise<Me<S>>;
  signOut(): Promise<void>;
  sessions(): Promise<Session[]>;
  /** Signs another device out. */
  endSession(id: string): Promise<void>;
  endOtherSessions(): Promise<void>;
  changePassword(old: string, password: string): Promise<void>;
  /**
   * Calls back with who is signed in, as soon as that is known (the first listener makes the client ask), and again when
   * somebody signs in or out, in any tab, the session ends, or `me` finds the account changed; returns what ends it.
   */
  onChange(fn: (me: Me<S> | null) => void): () => void;
}

/**
 * How live data stands: `idle` while nothing is watched, `connecting`, `live`, `offline` while the server can't be reached,
 * `signed-out` when the session has ended.
 */
export type StatusValue = 'idle' | 'connecting' | 'live' | 'offline' | 'signed-out';

export interface Status {
  readonly value: StatusValue;
  /** Calls back with the value, at once and whenever it is another; returns what ends it. */
  on(fn: (value: StatusValue) => void): () => void;
}

/** A member of a channel. */
export interface Member {
  id: string;
  [field: string]: unknown;
}

/** A channel: what is sent on it is kept nowhere, and comes to everybody who is there but this client. */
export interface Channel<D> {
  join(handlers: {
    onMessage?: (data: D, from: Member | null) => void;
    /** Everybody who is there, whenever that changes. */
    onPresence?: (members: readonly Member[]) => void;
    onError?: (error: RoundtripError) => void;
  }): void;
  send(data: D): Promise<void>;
  leave(): void;
}
