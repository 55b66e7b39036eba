// Signing in and out, and knowing who is signed in.

import { RoundtripError } from './error.js';
import type { Http } from './http.js';
import { safely } from './safely.js';
import type { AnySchema } from './schema.js';
import type { Auth, Me, Session, TokenStorage } from './types.js';

/** Identity keeps who is signed in, and the token where there is one. */
export class Identity<S extends AnySchema> implements Auth<S> {
  current: Me<S> | null | undefined;
  /** Called around what may change who is signed in. */
  onSwitch: (phase: 'begin' | 'changed' | 'same') => void = () => {};
  private readonly listeners = new Set<(me: Me<S> | null) => void>();
  private readonly key: string;
  private readonly tabs: BroadcastChannel | undefined;

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
    try {
      this.set(await this.http.call<Me<S>>('GET', 'auth/me', { repeatable: true }));
    } catch (e) {
      if (!(e instanceof RoundtripError) || e.status !== 401) throw e;
      this.set(null);
    }
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
    return () => this.listeners.delete(fn);
  }

  /** The session is over: someone ended it, or it was not used for long. */
  ended(): void {
    this.keep(undefined);
    this.set(null);
  }

  close(): void {
    this.tabs?.close();
    this.listeners.clear();
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
    this.onSwitch('begin');
    try {
      const result = await change();
      outcome = 'changed';
      return result;
    } finally {
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
