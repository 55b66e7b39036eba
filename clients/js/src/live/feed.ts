// A feed: a topic as states, for callbacks and for loops.

import type { RoundtripError } from '../error.js';
import { safely } from '../safely.js';
import type { Feed } from '../types.js';
import type { Holder, Topic } from './topic.js';

/** Where a feed's topic comes from. */
export interface Source {
  hold(text: string, holder: Holder): Topic;
  release(topic: Topic, holder: Holder): void;
}

/** Makes the state of a topic. `before` is the state that the reader had; undefined says that nothing is different. */
export type State<T> = (topic: Topic, before: T | undefined) => T | undefined;

/** Makes the feed of a topic. */
export function feed<T>(source: Source, text: string, state: State<T>, prepare: (topic: Topic) => void): Feed<T> {
  return new TopicFeed(source, text, state, prepare);
}

class TopicFeed<T> implements Feed<T> {
  state: T | undefined;
  private topic: Topic | undefined;
  private readonly readers = new Set<Reader<T>>();
  private readonly holder: Holder;

  constructor(
    private readonly source: Source,
    private readonly text: string,
    private readonly make: State<T>,
    private readonly prepare: (topic: Topic) => void,
  ) {
    this.holder = {
      changed: () => this.tell(),
      closed: () => this.stop(),
      failed: (error) => {
        this.state = undefined;
        this.refuse([...this.readers], error);
      },
    };
  }

  on(state: (state: T) => void, error?: (error: RoundtripError) => void): () => void {
    const reader: Reader<T> = {
      before: undefined,
      ready: () => true,
      take: state,
      failed: error,
      end: () => {},
    };
    this.add(reader);
    return () => this.remove(reader);
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    type Waiting = { resolve: (result: IteratorResult<T>) => void; reject: (e: unknown) => void };
    const waiting: Waiting[] = [];
    let error: RoundtripError | undefined;
    let over = false;
    const done = { value: undefined, done: true } as const;
    const reader: Reader<T> = {
      before: undefined,
      ready: () => waiting.length > 0,
      take: (value) => waiting.shift()!.resolve({ value, done: false }),
      failed: (e) => {
        error = e;
        if (waiting.length) fail();
      },
      end: () => {
        over = true;
        for (const one of waiting.splice(0)) one.resolve(done);
      },
    };
    const fail = () => {
      waiting.shift()!.reject(error);
      error = undefined;
      this.remove(reader);
    };
    this.add(reader);
    return {
      next: () =>
        new Promise((resolve, reject) => {
          if (over && !error) return resolve(done);
          waiting.push({ resolve, reject });
          if (error) fail();
          else this.show(reader);
        }),
      return: async () => {
        this.remove(reader);
        return done;
      },
    };
  }

  more(): Promise<boolean> {
    return this.topic ? this.topic.more() : Promise.resolve(false);
  }

  stop(): void {
    for (const reader of [...this.readers]) this.remove(reader);
  }

  private add(reader: Reader<T>): void {
    this.readers.add(reader);
    if (!this.topic) {
      this.topic = this.source.hold(this.text, this.holder);
      this.prepare(this.topic);
      if (this.topic.ready) this.state = this.make(this.topic, undefined);
    }
    this.show(reader);
    if (this.topic?.error) this.refuse([reader], this.topic.error);
  }

  // An error that nobody listens for is shown to whoever writes the page: else a feed would just stay empty.
  private refuse(readers: Reader<T>[], error: RoundtripError): void {
    for (const reader of readers) if (reader.failed) safely(() => reader.failed!(error));
    if (![...this.readers, ...readers].some((reader) => reader.failed))
      console.error(`The feed ${this.text} is refused: ${error.detail} Pass on() a second function to hear of it.`, error);
  }

  private remove(reader: Reader<T>): void {
    if (!this.readers.delete(reader)) return;
    reader.end();
    if (this.readers.size > 0 || !this.topic) return;
    this.source.release(this.topic, this.holder);
    this.topic = undefined;
    this.state = undefined;
  }

  private tell(): void {
    if (!this.topic?.ready) return;
    this.state = this.make(this.topic, this.state) ?? this.state;
    for (const reader of [...this.readers]) this.show(reader);
  }

  // Each reader is told what is different from what it was told last, so a slow one misses nothing.
  private show(reader: Reader<T>): void {
    if (!this.topic?.ready || !reader.ready()) return;
    const state = this.make(this.topic, reader.before);
    if (state === undefined) return;
    reader.before = state;
    safely(() => reader.take(state));
  }
}

interface Reader<T> {
  before: T | undefined;
  ready(): boolean;
  take(state: T): void;
  failed: ((error: RoundtripError) => void) | undefined;
  end(): void;
}
