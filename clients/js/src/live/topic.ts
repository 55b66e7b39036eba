// One topic: what is held of it, up to which cursor, and who wants to know.

import { RoundtripError } from '../error.js';
import type { Message, Row } from './message.js';
import { byBumped, byFields } from './order.js';
import { type Loaded, Rows } from './rows.js';

/** Whoever holds a topic. */
export interface Holder {
  /** Something is different. */
  changed?(): void;
  failed?(error: RoundtripError): void;
  /** The client was closed. */
  closed?(): void;
  /** Every message as it came. */
  message?(message: Message): void;
}

/** How many records a snapshot has where page_size does not say it. */
const defaultPage = 20;
/** How many records are loaded again after a snapshot took their place. */
const refill = 400;

/** Topic holds the state of one topic. Its text is its name on the wire, so equal queries share one topic. */
export class Topic {
  readonly holders = new Set<Holder>();
  readonly rows: Rows;
  /** Everything up to here is in rows. */
  cursor: string | undefined;
  /** Whether the uplink has answered: from then on its messages of this topic fit what is held. */
  synced = false;
  /** Whether there is a state to show. */
  ready = false;
  /** The inbox's numbers. */
  numbers: Message = {};
  error: RoundtripError | undefined;
  /** Reads a page of the same list over HTTP. */
  page: ((size: number, token: string) => Promise<Loaded>) | undefined;
  /** Called when all holders have been told. */
  told: (() => void) | undefined;
  /** Who is on a channel. */
  members: readonly Row[] = [];

  constructor(readonly text: string) {
    const [path = '', query = ''] = text.split('?');
    const has = new URLSearchParams(query);
    const size = path.includes('/') ? 0 : Number(has.get('page_size') ?? defaultPage);
    this.rows = new Rows(path === 'inbox' ? byBumped : byFields(has.get('order_by') ?? ''), size);
    this.size = size;
  }
  private readonly size: number;

  /** Takes in what came. */
  apply(message: Message): void {
    if (message.cursor) this.cursor = message.cursor;
    this.take(message);
    for (const holder of [...this.holders]) holder.message?.(message);
  }

  private take(message: Message): void {
    if (message.error) {
      this.rows.snapshot([], false);
      this.ready = this.synced = false;
      this.cursor = undefined;
      this.fail(new RoundtripError(message.error as Partial<RoundtripError>));
      return;
    }
    this.error = undefined;
    if (message.snapshot) this.numbers = {}; // of another database, perhaps
    if (message.unread !== undefined) this.count(message);
    if (message.changes) this.rows.change(message.changes);
    this.meet(message);
    if (message.snapshot) {
      const held = this.rows.list.length;
      this.rows.snapshot(message.snapshot, message.more);
      if (this.ready && held > this.size && this.rows.more) {
        void this.again(Math.min(held, refill));
        return;
      }
    }
    this.ready = true;
    this.tell();
  }

  /** The numbers, from a message or from the answer of a write. Those of an older state are left. */
  count({ unread, unseen, seq, read_through, seen_through }: Message): void {
    if (this.numbers.seq !== undefined && seq! < this.numbers.seq) return;
    const now = { unread, unseen, seq, read_through, seen_through } as Message;
    if (JSON.stringify(now) !== JSON.stringify(this.numbers)) this.numbers = now;
  }

  // Who comes to a channel and who goes.
  private meet({ presence, joined, left }: Message): void {
    if (presence) this.members = presence;
    const gone = joined ?? left;
    if (gone) this.members = this.members.filter((member) => member.id !== gone.id);
    if (joined) this.members = [...this.members, joined];
  }

  /** Loads the next page. */
  async more(): Promise<boolean> {
    if (!this.page) return false;
    const some = await this.rows.load(this.page);
    this.tell();
    return some;
  }

  /** Takes in that it is over, as if the server had said so of this topic: other tabs that hold it hear of it too. */
  refuse(error: RoundtripError): void {
    this.apply({ topic: this.text, error: { ...error, detail: error.detail } });
  }

  private fail(error: RoundtripError): void {
    this.error = error;
    for (const holder of [...this.holders]) holder.failed?.(error);
  }

  tell(): void {
    for (const holder of [...this.holders]) holder.changed?.();
    this.told?.();
  }

  /** Forgets the state, for another account. What is shown stays until the new one has come. */
  forget(): void {
    this.cursor = undefined;
    this.synced = this.ready = false;
    this.numbers = {};
    this.members = [];
  }

  /** The state as a snapshot, for another tab. */
  snapshot(): Message {
    if (this.error) return { topic: this.text, error: { ...this.error, detail: this.error.detail } };
    return {
      topic: this.text,
      snapshot: [...this.rows.list] as Row[],
      more: this.rows.more,
      cursor: this.cursor!,
      presence: [...this.members],
      ...this.numbers,
    };
  }

  // A snapshot took the place of several pages: they are loaded again before the shorter list is shown to anybody.
  private async again(wanted: number): Promise<void> {
    try {
      while (this.page && this.rows.list.length < wanted && (await this.rows.load(this.page)));
    } catch {
      // the first page is right all the same, and more() can be asked again
    }
    this.tell();
  }
}
