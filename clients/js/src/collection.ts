// The calls of one collection.

import type { Http } from './http.js';
import { unique } from './id.js';
import { feed, type Source } from './live/feed.js';
import type { Row } from './live/message.js';
import { difference } from './live/rows.js';
import { type AnyQuery, parameters, topicOf } from './query.js';
import type { AnySchema } from './schema.js';
import type { Collection, Feed, FeedState, Page, ReadOptions, RecordState, WriteOptions } from './types.js';

/** Makes the calls of a collection. Its types are those of Collection; inside, records are rows. */
export function collection<S extends AnySchema, C>(http: Http, source: Source, name: string): Collection<S, C> {
  return new Records(http, source, name) as unknown as Collection<S, C>;
}

class Records {
  constructor(
    private readonly http: Http,
    private readonly source: Source,
    private readonly name: string,
  ) {}

  async list(query: AnyQuery = {}, options: ReadOptions = {}): Promise<Page<Row>> {
    const answer = await this.read<Page<Row> & Record<string, Row[]>>(this.name, query, options);
    const { next_page_token, total_size } = answer;
    return { records: answer[this.name] ?? [], next_page_token, ...(total_size === undefined ? {} : { total_size }) };
  }

  async *all(query: AnyQuery = {}, options: ReadOptions = {}): AsyncGenerator<Row> {
    for (let token = ''; ;) {
      const page = await this.list({ page_size: 200, ...query, page_token: token }, options);
      yield* page.records;
      token = page.next_page_token;
      if (!token) return;
    }
  }

  get(id: string, query: AnyQuery = {}, options: ReadOptions = {}): Promise<Row> {
    return this.read(this.path(id), query, options);
  }

  create(input: object, options: WriteOptions = {}): Promise<Row> {
    return write(this.http, 'POST', this.name, input, options);
  }

  async update(id: string, patch: object, options: WriteOptions = {}): Promise<Row | null> {
    return (await write<Row | undefined>(this.http, 'PATCH', this.path(id), patch, options)) ?? null;
  }

  delete(id: string, options: WriteOptions = {}): Promise<void> {
    return write(this.http, 'DELETE', this.path(id), undefined, options);
  }

  async aggregate(query: AnyQuery, options: ReadOptions = {}): Promise<object[]> {
    return (await this.read<{ groups: object[] }>(`${this.name}:aggregate`, query, options)).groups;
  }

  watch(what: string | AnyQuery = {}, query: AnyQuery = {}): Feed<FeedState<Row>> | Feed<RecordState<Row>> {
    return typeof what === 'string' ? this.watchOne(what, query) : this.watchList(what);
  }

  private watchList(query: AnyQuery): Feed<FeedState<Row>> {
    const load = async (size: number, token: string) => {
      const page = await this.list({ ...query, page_size: size, page_token: token });
      return { rows: page.records, next: page.next_page_token };
    };
    return feed(
      this.source,
      topicOf(this.name, query),
      ({ rows }, before: FeedState<Row> | undefined) => {
        if (before?.records === rows.list && before.more === rows.more) return undefined;
        return { records: rows.list, changes: difference(before?.records ?? [], rows.list), more: rows.more };
      },
      (topic) => (topic.page ??= load),
    );
  }

  private watchOne(id: string, query: AnyQuery): Feed<RecordState<Row>> {
    return feed(
      this.source,
      topicOf(this.path(id), query),
      ({ rows }, before: RecordState<Row> | undefined) => {
        const record = rows.list[0] ?? null;
        return before && before.record === record ? undefined : { record };
      },
      () => {},
    );
  }

  private read<T>(path: string, query: AnyQuery, { signal }: ReadOptions): Promise<T> {
    return this.http.call('GET', path, { query: parameters(query), signal, repeatable: true });
  }

  private path(id: string): string {
    return `${this.name}/${encodeURIComponent(id)}`;
  }
}

/** Sends a write, with a key by which the server knows it again. */
export function write<T>(http: Http, method: string, path: string, body: unknown, options: WriteOptions): Promise<T> {
  const headers: Record<string, string> = { 'Idempotency-Key': options.key ?? unique() };
  if (options.ifMatch !== undefined) headers['If-Match'] = `"${options.ifMatch.replaceAll('"', '')}"`;
  const { signal, onProgress } = options;
  return http.call(method, path, { body, headers, signal, onProgress, repeatable: true });
}
