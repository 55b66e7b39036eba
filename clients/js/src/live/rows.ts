// The records of one topic: the part of a list that is held, kept right by what is put and removed.

import type { Message, Row } from './message.js';
import type { Order } from './order.js';

/** A page of a list, as it was asked for. */
export interface Loaded {
  rows: Row[];
  /** '' after the last page. */
  next: string;
}

/**
 * Rows holds a list from its start to `bound`, the last record that was loaded. What sorts behind it is not held, because
 * between the two there may be records that nobody asked for. Without a bound all there is is held.
 */
export class Rows {
  /** In order. It is another array after each change, and the same one as long as nothing changes. */
  list: readonly Row[] = [];
  private readonly held = new Map<string, { row: Row; text: string }>();
  private bound: Row | undefined;
  /** The token of the page behind bound, where it is known. */
  private next = '';
  private loading: Promise<boolean> | undefined;
  /** While a page is being loaded: what came meanwhile of records that are not held; null for a removed one. */
  private meanwhile: Map<string, Row | null> | undefined;

  constructor(
    private readonly order: Order,
    /** How many records a snapshot has at most. */
    private readonly pageSize: number,
  ) {}

  get more(): boolean {
    return this.bound !== undefined;
  }

  /** Replaces everything. Records that are as before stay the same objects. */
  snapshot(rows: readonly Row[], more = this.pageSize > 0 && rows.length >= this.pageSize): void {
    const ids = new Set(rows.map((row) => row.id));
    for (const id of [...this.held.keys()]) if (!ids.has(id)) this.drop(id);
    for (const row of rows) this.keep(row);
    this.bound = more ? this.last() : undefined;
    this.next = '';
    this.meanwhile?.clear();
  }

  /** Takes in what changed. */
  change(changes: NonNullable<Message['changes']>): void {
    for (const { put, removed } of changes) {
      if (removed !== undefined) {
        this.drop(removed);
        this.meanwhile?.set(removed, null);
      } else if (put && this.within(put)) {
        this.keep(put);
      } else if (put) {
        this.drop(put.id);
        this.meanwhile?.set(put.id, put);
      }
    }
  }

  /**
   * Loads the page behind bound. Where its token is not known, the list is read from its start until a page reaches
   * behind bound: no record between the two can be left out like this, whatever comes and goes meanwhile.
   */
  load(page: (size: number, token: string) => Promise<Loaded>): Promise<boolean> {
    this.loading ??= this.loadOnce(page).finally(() => (this.loading = undefined));
    return this.loading;
  }

  private async loadOnce(page: (size: number, token: string) => Promise<Loaded>): Promise<boolean> {
    const bound = this.bound;
    if (!bound) return false;
    this.meanwhile = new Map();
    try {
      let size = this.next ? this.pageSize : Math.min(200, Math.max(this.list.length, 1));
      for (let token = this.next; ; size = this.pageSize) {
        const got = await page(size, token);
        if (this.bound !== bound) return this.more; // a snapshot came; the page is of another time
        token = got.next;
        const fresh = got.rows.filter((row) => this.order(row, bound) > 0);
        if (fresh.length === 0 && token) continue;
        this.extend(fresh, token);
        return fresh.length > 0;
      }
    } finally {
      this.meanwhile = undefined;
    }
  }

  private extend(fresh: Row[], token: string): void {
    this.next = token;
    this.bound = token ? fresh.at(-1) : undefined;
    const late = this.meanwhile ?? new Map<string, Row | null>();
    for (const row of fresh) if (!late.has(row.id) && !this.held.has(row.id)) this.keep(row);
    for (const row of late.values()) if (row && this.within(row)) this.keep(row);
  }

  private within(row: Row): boolean {
    return !this.bound || this.order(row, this.bound) <= 0;
  }

  private last(): Row | undefined {
    return this.list.at(-1);
  }

  private keep(row: Row): void {
    const text = JSON.stringify(row);
    const before = this.held.get(row.id);
    if (before?.text === text) return;
    const list = before ? this.list.filter((other) => other !== before.row) : [...this.list];
    list.splice(this.place(list, row), 0, row);
    this.list = list;
    this.held.set(row.id, { row, text });
  }

  private drop(id: string): void {
    const before = this.held.get(id);
    if (!before) return;
    this.held.delete(id);
    this.list = this.list.filter((other) => other !== before.row);
  }

  private place(list: Row[], row: Row): number {
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.order(list[middle]!, row) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** What is different between two lists. */
export function difference<T extends Row>(before: readonly T[], after: readonly T[]) {
  type Change = { type: 'put'; id: string; record: T; before?: T } | { type: 'removed'; id: string; before: T };
  const old = new Map(before.map((row) => [row.id, row]));
  const changes: Change[] = [];
  for (const record of after) {
    const was = old.get(record.id);
    old.delete(record.id);
    if (was !== record) changes.push({ type: 'put', id: record.id, record, ...(was ? { before: was } : {}) });
  }
  for (const [id, was] of old) changes.push({ type: 'removed', id, before: was });
  return changes;
}
