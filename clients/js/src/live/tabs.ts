// Tabs of one browser share one connection: one of them leads and holds it, the others follow through it.

import { RoundtripError } from '../error.js';
import { noAnswer } from '../http.js';
import { unique } from '../id.js';
import type { Connection } from './connection.js';
import type { Hub, Uplink } from './hub.js';
import { Leader } from './leader.js';
import type { Note } from './note.js';
import type { Topic } from './topic.js';
import { visible, watch } from './wake.js';

// All in milliseconds.
const answerPatience = 2_000; // a leader that a visible page asks answers within this
const silence = 90_000; // a leader says something every 25 s; a hidden one is slowed down to once a minute
const beat = 25_000;

/** Whether this browser can share a connection. */
export function canShare(): boolean {
  return typeof document !== 'undefined' && typeof BroadcastChannel !== 'undefined' && navigator.locks !== undefined;
}

/**
 * Tabs is one tab's part. Who holds the lock of the name leads. The lock goes to the next one when the leader ends, however
 * it ends; who hears nothing of a leader takes the lock away from it.
 */
export class Tabs implements Uplink {
  private readonly me = unique();
  private readonly channel: BroadcastChannel;
  private readonly ends = new AbortController();
  private readonly unwatch: () => void;
  private leader: Leader | undefined;
  private release: (() => void) | undefined;
  /** Of the leader that is followed. */
  private reign: string | undefined;
  private heard = Date.now();
  private said = 0;
  private away = false;
  /** Whether this tab stands in the queue for the lock. */
  private queued = false;
  private asking: ReturnType<typeof setTimeout> | undefined;
  private lastNumber = 0;
  private readonly sends = new Map<number, { resolve(): void; reject(e: RoundtripError): void }>();

  constructor(
    private readonly name: string,
    private readonly hub: Hub,
    private readonly connect: () => Connection,
  ) {
    this.channel = new BroadcastChannel(name);
    this.channel.onmessage = (e: MessageEvent<Note>) => this.take(e.data);
    this.unwatch = watch({
      woken: () => this.check(),
      frozen: () => this.leave(),
      thawed: () => this.join(),
      tick: () => this.tick(),
    });
    // The lock of this tab alone, so that a leader notices when it ends.
    void navigator.locks
      .request(this.ownLock(this.me), { signal: this.ends.signal }, () => {
        this.join();
        return new Promise<void>((end) => this.ends.signal.addEventListener('abort', () => end()));
      })
      .catch(() => {});
  }

  open(topic: Topic): void {
    topic.synced = false;
    if (this.leader) this.leader.connection.open(topic);
    else if (this.reign) this.want(topic);
  }

  shut(topic: Topic): void {
    if (this.leader) this.leader.connection.shut(topic);
    else this.post({ is: 'drop', topic: topic.text });
  }

  send(topic: string, data: unknown): Promise<void> {
    if (this.leader) return this.leader.connection.send(topic, data);
    if (!this.reign) return Promise.reject(noAnswer());
    return new Promise((resolve, reject) => {
      const number = ++this.lastNumber;
      this.sends.set(number, { resolve, reject });
      this.post({ is: 'send', number, topic, data });
    });
  }

  ack(cursor: string): void {
    if (this.leader) this.leader.connection.ack(cursor);
    else this.post({ is: 'ack', cursor });
  }

  check(): void {
    if (this.leader) return this.leader.connection.check();
    if (this.away) return;
    this.post({ is: 'check' });
    clearTimeout(this.asking);
    if (visible()) this.asking = setTimeout(() => this.elect(true), answerPatience);
  }

  pause(): void {
    this.leader?.connection.pause();
  }

  resume(anew: boolean): void {
    if (this.leader) return this.leader.connection.resume(anew);
    for (const topic of this.hub.topics.values()) {
      if (anew) topic.forget();
      if (this.reign) this.want(topic);
    }
  }

  stop(): void {
    this.unwatch();
    this.leave();
    this.ends.abort();
    this.channel.close();
  }

  // A tab that the browser freezes hands the connection over, and takes part again when it goes on.
  private leave(): void {
    this.away = true;
    clearTimeout(this.asking);
    this.post({ is: 'bye' });
    this.release?.();
    this.depose();
    this.reign = undefined;
  }

  private join(): void {
    this.away = false;
    this.heard = Date.now();
    this.elect(false);
    if (!this.leader) this.post({ is: 'hello' });
  }

  private elect(steal: boolean): void {
    if (this.away || this.leader || this.ends.signal.aborted || (this.queued && !steal)) return;
    this.queued ||= !steal;
    let led = false;
    navigator.locks
      .request(this.name, steal ? { steal } : { signal: this.ends.signal }, () => {
        this.queued &&= steal;
        if (this.away || this.leader) return undefined;
        led = true;
        this.lead();
        return new Promise<void>((release) => (this.release = release));
      })
      .catch(() => led && this.leader && this.follow()); // it was taken away: someone found this tab silent
  }

  private lead(): void {
    clearTimeout(this.asking);
    this.reign = undefined;
    this.giveUp();
    const connection = this.connect();
    this.leader = new Leader(
      this.hub,
      connection,
      unique(),
      (note) => this.post(note),
      (tab, signal, gone) => {
        void navigator.locks.request(this.ownLock(tab), { signal }, gone).catch(() => {});
      },
    );
    for (const topic of this.hub.topics.values()) connection.open(topic);
  }

  private follow(): void {
    this.depose();
    this.post({ is: 'hello' });
    this.elect(false);
  }

  private depose(): void {
    this.leader?.stop();
    this.leader = undefined;
    this.release = undefined;
    this.giveUp();
  }

  private take(note: Note): void {
    if (this.away || (note.to !== undefined && note.to !== this.me)) return;
    if (this.leader) {
      if (note.is !== 'leader') this.leader.take(note);
      return;
    }
    if (note.is === 'leader') this.meet(note);
    else if (note.is === 'status' || note.is === 'head' || note.is === 'message' || note.is === 'done') this.heed(note);
  }

  // A leader speaks up: a new one is told what this tab wants.
  private meet(note: Note): void {
    this.heard = Date.now();
    clearTimeout(this.asking);
    if (note.reign === this.reign) return this.hub.status.set(note.status!);
    this.reign = note.reign;
    this.giveUp();
    for (const topic of this.hub.topics.values()) this.want(topic);
    this.hub.status.set(note.status!);
  }

  private heed(note: Note): void {
    if (!this.reign) return;
    this.heard = Date.now();
    if (note.is === 'status') this.hub.status.set(note.status!);
    if (note.is === 'head') this.hub.reach(note.cursor!, note.topics);
    if (note.is === 'message') {
      const topic = this.hub.topics.get(note.message!.topic!);
      if (topic) topic.synced = true;
      this.hub.receive(note.message!);
    }
    if (note.is === 'done') {
      const send = this.sends.get(note.number!);
      this.sends.delete(note.number!);
      if (note.error) send?.reject(new RoundtripError(note.error));
      else send?.resolve();
    }
  }

  private want(topic: Topic): void {
    topic.synced = false;
    this.post({ is: 'want', topic: topic.text, seed: topic.cursor && topic.ready ? topic.snapshot() : undefined });
  }

  /** What waits for a leader that is gone will get no answer. */
  private giveUp(): void {
    const sends = [...this.sends.values()];
    this.sends.clear();
    for (const send of sends) send.reject(noAnswer());
  }

  private tick(): void {
    const now = Date.now();
    if (this.leader && now - this.said > beat) this.leader.announce();
    if (!this.leader && !this.away && now - this.heard > silence) this.elect(true);
  }

  private post(note: Omit<Note, 'from'>): void {
    this.said = Date.now();
    this.channel.postMessage({ ...note, from: this.me });
  }

  private ownLock(tab: string): string {
    return `${this.name}:${tab}`;
  }
}
