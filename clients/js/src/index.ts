// The client of Roundtrip: see README.md.

export { createClient } from './client.js';
export { RoundtripError, type Detail } from './error.js';
export { filter, type Value } from './filter.js';
export { newID } from './id.js';
export type * from './schema.js';
export type * from './types.js';
