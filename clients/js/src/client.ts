// The client: what createClient puts together.

import { Identity, memory } from './auth.js';
import { channel } from './channel.js';
import { collection, write } from './collection.js';
import { Http } from './http.js';
import { inbox } from './inbox.js';
import { Connection } from './live/connection.js';
import { Hub } from './live/hub.js';
import { canShare, Tabs } from './live/tabs.js';
import type { AnySchema } from './schema.js';
import type { Client, ClientBase, Options, TokenStorage } from './types.js';

/** Makes a client of the API that is mounted at options.url. */
export function createClient<S extends AnySchema>(options: Options): Client<S> {
  const http = new Http(options);
  const hub = new Hub();
  // A token that this client alone knows means a connection of its own.
  const share = (options.share ?? true) && !options.token && !options.storage && canShare();
  const auth = new Identity<S>(http, options.storage ?? keeper(), options.token, share);
  const connect = () => new Connection(hub, http, options.WebSocket ?? globalThis.WebSocket);
  hub.uplink = share ? new Tabs(`roundtrip:1:${http.base.href}`, hub, connect) : connect();
  hub.status.on((status) => status === 'signed-out' && auth.ended());
  auth.onSwitch = (phase) => (phase === 'begin' ? hub.uplink?.pause() : hub.uplink?.resume(phase === 'changed'));

  const base: ClientBase<S> = {
    collection: (name) => collection(http, hub, name),
    auth,
    inbox: inbox(http, hub),
    status: hub.status,
    channel: (name) => channel(hub, name),
    batch: async (ops, how = {}) => (await write<{ results: [] }>(http, 'POST', 'batch', { ops }, how)).results,
    fileUrl: (name, record, field, size) => {
      const id = typeof record === 'string' ? record : record.id;
      const file = typeof record === 'string' ? undefined : (record as Record<string, { id?: string } | null>)[field];
      const query = new URLSearchParams();
      if (size !== undefined) query.set('size', String(size));
      if (file?.id) query.set('v', file.id);
      return http.url(`files/${name}/${encodeURIComponent(id)}/${field}`, query);
    },
    close: () => {
      hub.uplink?.stop();
      hub.uplink = undefined;
      hub.close();
      auth.close();
    },
  };
  const known = new Map<string, unknown>();
  return new Proxy(base, {
    get: (_, name) => {
      if (name in base) return base[name as keyof typeof base];
      if (typeof name !== 'string' || name === 'then') return undefined; // or `await client` would take it for a promise
      if (!known.has(name)) known.set(name, base.collection(name));
      return known.get(name);
    },
  }) as Client<S>;
}

function keeper(): TokenStorage {
  try {
    return globalThis.window?.localStorage ?? memory();
  } catch {
    return memory(); // a page may be forbidden to keep anything
  }
}
