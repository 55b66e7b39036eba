// Signing in and out, and knowing who is signed in.

import { RoundtripError } from './error.js';
import { type Http, passing } from './http.js';
import { safely } from './safely.js';
import type { AnySchema } from './schema.js';
import type { Auth, Me, Session, TokenStorage } from './types.js';

/** Where no answer came to who is signed in, it is asked again after this time, in milliseconds. */
const again = 5_000;

/** Identity keeps who is signed in, and the token where there is one. */
export class Identity<S extends AnySchema> implements Auth<S> {
  current: Me<S> | null | undefined;
  /** Called around what may change who is signed in. */
  onSwitch: (phase: 'begin' | 'changed' | 'same') => void = () => {};
  private readonly listeners = new Set<(me: Me<S> | null) => void>();
  private readonly key: string;
  private readonly tabs: BroadcastChannel | undefined;
  /** Grows when a change of who is signed in begins and ends: an answer from before it says nothing any more. */
  private turn = 0;
  private asking = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly http: Http,
    private readonly storage: TokenStorage,
    token: string | undefined,
    shared: boolean,
  ) {
    this.key = `roundtrip:${http.base.href}`;
    http.token = token ?? storage.getItem(this.key) ?? undefined;
    http.onSessionEnd = () => this.ended();
    if (shared) {
      this.tabs = new BroadcastChannel(`${this.key}:auth`);
      this.tabs.onmessage = () => void this.elsewhere();
    }
  }

  async me(): Promise<Me<S> | null> {
    const turn = this.turn;
    let me: Me<S> | null = null;
    this.asking++;
    try {
      me = await this.http.call<Me<S>>('GET', 'auth/me', { repeatable: true });
    } catch (e) {
      if (!(e instanceof RoundtripError) || e.status !== 401) throw e;
    } finally {
      this.asking--;
    }
    if (turn === this.turn) this.set(me);
    return this.current ?? null;
  }

  signUp(account: object): Promise<Me<S>> {
    return this.enter('auth/sign-up', account);
  }

  signIn(by: object): Promise<Me<S>> {
    return this.enter('auth/sign-in', by);
  }

  async signOut(): Promise<void> {
    await this.switching(async () => {
      await this.http.call('POST', 'auth/sign-out', { repeatable: true });
      this.keep(undefined);
      this.set(null);
      this.tabs?.postMessage('changed');
    });
  }

  async sessions(): Promise<Session[]> {
    return (await this.http.call<{ sessions: Session[] }>('GET', 'auth/sessions', { repeatable: true })).sessions;
  }

  async endSession(id: string): Promise<void> {
    await this.http.call('DELETE', `auth/sessions/${encodeURIComponent(id)}`);
  }

  async endOtherSessions(): Promise<void> {
    await this.http.call('DELETE', 'auth/sessions', { repeatable: true });
  }

  async changePassword(old: string, password: string): Promise<void> {
    await this.http.call('POST', 'auth/password', { body: { old, new: password } });
  }

  onChange(fn: (me: Me<S> | null) => void): () => void {
    this.listeners.add(fn);
    const { current } = this;
    if (current !== undefined) safely(() => fn(current));
    else this.later(0);
    return () => this.listeners.delete(fn);
  }

  /** The session is over: someone ended it, or it was not used for long. */
  ended(): void {
    this.keep(undefined);
    this.set(null);
  }

  close(): void {
    clearTimeout(this.timer);
    this.tabs?.close();
    this.listeners.clear();
  }

  private later(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.find(), ms);
    if (ms > 0) (this.timer as { unref?(): void }).unref?.(); // a program in Node may end meanwhile
  }

  // Asks for the listeners who is signed in, unless the page does so itself.
  private async find(): Promise<void> {
    const open = () => this.current === undefined && this.listeners.size > 0;
    try {
      if (open() && this.asking === 0) await this.me();
    } catch (e) {
      if (!(e instanceof RoundtripError) || !passing(e)) return console.error(e);
    }
    if (open()) this.later(again);
  }

  private enter(path: string, body: object): Promise<Me<S>> {
    return this.switching(async () => {
      // The old token is not shown: one that is over would refuse the sign-in.
      const before = this.http.token;
      this.http.token = undefined;
      try {
        this.keep((await this.http.call<{ token?: string }>('POST', path, { body })).token);
      } catch (e) {
        this.http.token = before;
        throw e;
      }
      const me = await this.http.call<Me<S>>('GET', 'auth/me', { repeatable: true });
      this.set(me);
      this.tabs?.postMessage('changed');
      return me;
    });
  }

  // Another tab signed in or out.
  private async elsewhere(): Promise<void> {
    await this.switching(async () => {
      this.http.token = this.storage.getItem(this.key) ?? undefined;
      await this.me();
    }).catch(() => {}); // without a net nothing can be asked; whoever asks next will see
  }

  // Live data pauses meanwhile, so that nothing of one account comes to the other.
  private async switching<T>(change: () => Promise<T>): Promise<T> {
    let outcome: 'changed' | 'same' = 'same';
    this.turn++;
    this.onSwitch('begin');
    try {
      const result = await change();
      outcome = 'changed';
      return result;
    } finally {
      this.turn++;
      this.onSwitch(outcome);
    }
  }

  private keep(token: string | undefined): void {
    this.http.token = token;
    if (token) this.storage.setItem(this.key, token);
    else this.storage.removeItem(this.key);
  }

  private set(me: Me<S> | null): void {
    const before = this.current;
    this.current = me;
    if (JSON.stringify(before) !== JSON.stringify(me)) for (const fn of [...this.listeners]) safely(() => fn(me));
  }
}

/** Keeps a token as long as the client lives. */
export function memory(): TokenStorage {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}
