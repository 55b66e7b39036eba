// All topics of one client, and the uplink that fills them.

import type { RoundtripError } from '../error.js';
import { safely } from '../safely.js';
import type { Status, StatusValue } from '../types.js';
import type { Source } from './feed.js';
import type { Message } from './message.js';
import { type Holder, Topic } from './topic.js';

/** What brings the messages of topics: a connection of this tab's own, or another tab. */
export interface Uplink {
  /** Starts to bring a topic, from its cursor if it has one. */
  open(topic: Topic): void;
  shut(topic: Topic): void;
  /** Sends on a channel. */
  send(topic: string, data: unknown): Promise<void>;
  /** Says that the person has been shown what the inbox has up to a cursor. */
  ack(cursor: string): void;
  /** Somebody came back: look at once whether the connection is alive. */
  check(): void;
  /** Stops for a moment, while it changes who is signed in. */
  pause(): void;
  /** Goes on; anew brings everything from the start, for another account. */
  resume(anew: boolean): void;
  stop(): void;
}

/** Hub holds the topics. */
export class Hub implements Source {
  readonly topics = new Map<string, Topic>();
  readonly status = new CurrentStatus();
  uplink: Uplink | undefined;
  /** Called when the server says that everything of some topics up to a cursor has come. */
  onReach: ((cursor: string, topics: readonly string[]) => void) | undefined;

  /** Gives a topic to a holder. A topic that is new starts from the seed, if there is one. */
  hold(text: string, holder: Holder, seed?: Message): Topic {
    let topic = this.topics.get(text);
    if (topic) {
      topic.holders.add(holder);
      return topic;
    }
    topic = new Topic(text);
    if (seed?.cursor) topic.apply(seed);
    topic.holders.add(holder);
    this.topics.set(text, topic);
    this.uplink?.open(topic);
    return topic;
  }

  release(topic: Topic, holder: Holder): void {
    if (!topic.holders.delete(holder) || topic.holders.size > 0) return;
    this.topics.delete(topic.text);
    this.uplink?.shut(topic);
  }

  /** Takes in a message of a topic. */
  receive(message: Message): void {
    if (message.head) return this.reach(message.head);
    const topic = this.topics.get(message.topic ?? '');
    if (topic?.synced) topic.apply(message);
  }

  /** Everything up to a cursor has come, of all topics or of some. */
  reach(cursor: string, some?: readonly string[]): void {
    const reached = [...this.topics.values()].filter((t) => t.synced && t.cursor && (!some || some.includes(t.text)));
    for (const topic of reached) topic.cursor = cursor;
    this.onReach?.(
      cursor,
      reached.map((topic) => topic.text),
    );
  }

  /** Ends all feeds. */
  close(): void {
    for (const topic of [...this.topics.values()]) for (const holder of [...topic.holders]) holder.closed?.();
    this.status.set('idle');
  }

  /** Says to all topics that it is over with them. */
  fail(error: RoundtripError): void {
    for (const topic of [...this.topics.values()]) topic.refuse(error);
  }
}

/** The status, and who wants to know of it. */
class CurrentStatus implements Status {
  value: StatusValue = 'idle';
  private readonly listeners = new Set<(value: StatusValue) => void>();

  on(fn: (value: StatusValue) => void): () => void {
    this.listeners.add(fn);
    fn(this.value);
    return () => this.listeners.delete(fn);
  }

  set(value: StatusValue): void {
    if (value === this.value) return;
    this.value = value;
    for (const fn of [...this.listeners]) safely(() => fn(value));
  }
}
