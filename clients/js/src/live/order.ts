// The order of records, as the server's lists have it.

import type { Row } from './message.js';

/** Tells which of two records comes first: a number below 0 for a. */
export type Order = (a: Row, b: Row) => number;

/** The names of the fields in an order_by. */
export function orderFields(orderBy: string): string[] {
  return terms(orderBy).map((term) => term.field);
}

/** Makes the order of an order_by. The id ends every order, in the direction of the field before it. */
export function byFields(orderBy: string): Order {
  const by = terms(orderBy);
  by.push({ field: 'id', down: by.at(-1)?.down ?? false });
  return (a, b) => {
    for (const { field, down } of by) {
      const c = compare(a[field], b[field]);
      if (c !== 0) return down ? -c : c;
    }
    return 0;
  };
}

/** Newest event first: the order of the inbox. */
export const byBumped: Order = (a, b) => compare(b['bumped'], a['bumped']) || compare(b.id, a.id);

function terms(orderBy: string): { field: string; down: boolean }[] {
  return orderBy
    .split(',')
    .map((part) => part.trim().split(/\s+/))
    .filter(([field]) => field)
    .map(([field, direction]) => ({ field: field!, down: direction?.toLowerCase() === 'desc' }));
}

/** Null is the least. */
function compare(a: unknown, b: unknown): number {
  if (a == null || b == null) return Number(a != null) - Number(b != null);
  if (typeof a === 'string' && typeof b === 'string' && a.endsWith('Z') && b.endsWith('Z')) {
    a = a.slice(0, -1); // times have three digits of the second or six: without the Z, the shorter one is the lesser
    b = b.slice(0, -1);
  }
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}
