// Queries as they travel: the parameters of a list, and the text of a topic.

import { encode } from './http.js';
import { orderFields } from './live/order.js';

/** Everything that a query may have, without its types. */
export interface AnyQuery {
  filter?: string;
  where?: object;
  order_by?: string;
  page_size?: number;
  page_token?: string;
  expand?: readonly string[];
  fields?: readonly string[];
  count?: string;
  select?: readonly string[];
  group_by?: readonly string[];
}

/** The parameters of a query. */
export function parameters(query: AnyQuery = {}): URLSearchParams {
  const { where, ...rest } = query;
  const all = new URLSearchParams();
  for (const [name, value] of Object.entries(rest)) {
    const text = Array.isArray(value) ? value.join(',') : value;
    if (text !== undefined && text !== '') all.set(name, String(text));
  }
  for (const [name, value] of Object.entries(where ?? {})) if (value !== undefined) all.set(name, String(value));
  return all;
}

/** The topic of a query. Equal queries have equal topics, whatever the order of their members. */
export function topicOf(path: string, query: AnyQuery = {}): string {
  const { fields, order_by = '' } = query;
  // What records are sorted by has to come along.
  const needed = fields && [...new Set([...fields, ...orderFields(order_by)])];
  const all = parameters(needed ? { ...query, fields: needed } : query);
  all.sort();
  return all.size > 0 ? `${path}?${encode(all)}` : path;
}
