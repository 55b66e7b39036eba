// The leading tab: its connection serves the topics of other tabs beside its own.

import type { Connection } from './connection.js';
import type { Hub } from './hub.js';
import type { Message } from './message.js';
import type { Note, Post } from './note.js';
import type { Holder, Topic } from './topic.js';

interface Wanted {
  topic: Topic;
  holder: Holder;
  /** Whether the follower has a state that further messages fit. */
  synced: boolean;
}

/** Leader answers the notes of followers. */
export class Leader {
  private readonly followers = new Map<string, Map<string, Wanted>>();
  private readonly ends = new AbortController();
  private readonly unstatus: () => void;

  constructor(
    private readonly hub: Hub,
    readonly connection: Connection,
    private readonly reign: string,
    private readonly post: Post,
    /** Calls back when a tab has ended, however it ended. */
    private readonly whenGone: (tab: string, signal: AbortSignal, gone: () => void) => void,
  ) {
    this.unstatus = hub.status.on((status) => post({ is: 'status', status }));
    hub.onReach = (cursor, topics) => post({ is: 'head', cursor, topics });
    this.announce();
  }

  announce(to?: string): void {
    this.post({ is: 'leader', reign: this.reign, status: this.hub.status.value, ...(to ? { to } : {}) });
  }

  take(note: Note): void {
    switch (note.is) {
      case 'hello':
      case 'check':
        this.announce(note.from);
        if (note.is === 'check') this.connection.check();
        break;
      case 'want':
        this.want(note.from, note.topic!, note.seed);
        break;
      case 'drop':
        this.drop(note.from, note.topic!);
        break;
      case 'send': {
        const done = (error?: object) => this.post({ is: 'done', to: note.from, number: note.number!, error });
        this.connection.send(note.topic!, note.data).then(
          () => done(),
          (e) => done({ ...e, detail: e.detail }),
        );
        break;
      }
      case 'ack':
        this.connection.ack(note.cursor!);
        break;
      case 'bye':
        this.gone(note.from);
        break;
      default:
    }
  }

  /** Ends the reign; the topics of other tabs are let go. */
  stop(): void {
    this.ends.abort();
    this.unstatus();
    this.hub.onReach = undefined;
    this.connection.stop();
    for (const tab of [...this.followers.keys()]) this.gone(tab);
  }

  private want(tab: string, text: string, seed: Message | undefined): void {
    let topics = this.followers.get(tab);
    if (!topics) {
      this.followers.set(tab, (topics = new Map()));
      this.whenGone(tab, this.ends.signal, () => this.gone(tab));
    }
    let wanted = topics.get(text);
    if (!wanted) {
      const holder: Holder = { message: (message) => this.forward(tab, text, message) };
      topics.set(text, (wanted = { topic: this.hub.hold(text, holder, seed), holder, synced: false }));
    }
    const { topic } = wanted;
    wanted.synced = false;
    if ((!topic.ready && !topic.error) || this.connection.paused) return; // its next message will tell
    wanted.synced = true;
    const same = seed?.cursor !== undefined && seed.cursor === topic.cursor;
    this.post({
      is: 'message',
      to: tab,
      message: same ? { topic: text, changes: [], cursor: topic.cursor! } : topic.snapshot(),
    });
  }

  private forward(tab: string, text: string, message: Message): void {
    const wanted = this.followers.get(tab)?.get(text);
    if (!wanted) return;
    const fits = wanted.synced || message.changes === undefined;
    wanted.synced = true;
    this.post({ is: 'message', to: tab, message: fits ? { ...message, topic: text } : wanted.topic.snapshot() });
  }

  private drop(tab: string, text: string): void {
    const wanted = this.followers.get(tab)?.get(text);
    if (!wanted) return;
    this.followers.get(tab)!.delete(text);
    this.hub.release(wanted.topic, wanted.holder);
  }

  private gone(tab: string): void {
    for (const text of [...(this.followers.get(tab)?.keys() ?? [])]) this.drop(tab, text);
    this.followers.delete(tab);
  }
}
