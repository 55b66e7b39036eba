// The inbox: notifications, their numbers, and how one wants to hear of them.

import type { Http } from './http.js';
import { feed } from './live/feed.js';
import type { Hub } from './live/hub.js';
import type { Message, Row } from './live/message.js';
import { difference } from './live/rows.js';
import type { Topic } from './live/topic.js';
import { visible } from './live/wake.js';
import type { AnySchema } from './schema.js';
import type { Feed, Inbox, InboxState, Notification, Numbers } from './types.js';

type Page = Numbers & { notifications: Row[]; next_page_token: string };

/** Makes the calls of the inbox. */
export function inbox<S extends AnySchema>(http: Http, hub: Hub): Inbox<S> {
  return new Notifications(http, hub) as unknown as Inbox<S>;
}

class Notifications {
  private acknowledged: string | undefined;
  readonly push = {
    subscribe: async (registration: ServiceWorkerRegistration): Promise<void> => {
      const { key } = await this.http.call<{ key: string }>('GET', 'inbox/push', { repeatable: true });
      const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
      const { endpoint, keys } = made.toJSON();
      await this.http.call('POST', 'inbox/push', { body: { endpoint, keys }, repeatable: true });
    },
    unsubscribe: async (registration: ServiceWorkerRegistration): Promise<void> => {
      const made = await registration.pushManager.getSubscription();
      if (!made) return;
      await this.http.call('DELETE', 'inbox/push', { body: { endpoint: made.endpoint }, repeatable: true });
      await made.unsubscribe();
    },
  };

  constructor(
    private readonly http: Http,
    private readonly hub: Hub,
  ) {
    if (typeof document !== 'undefined') {
      document.addEventListener('visibilitychange', () => this.hub.topics.get('inbox')?.told?.());
    }
  }

  watch(): Feed<InboxState> {
    const load = async (size: number, token: string) => {
      const page = await this.page(size, token);
      return { rows: page.notifications, next: page.next_page_token };
    };
    return feed(this.hub, 'inbox', stateOf, (topic) => {
      topic.page ??= load;
      topic.told ??= () => this.acknowledge(topic);
    });
  }

  async list(query: { page_size?: number; page_token?: string } = {}) {
    const page = await this.page(query.page_size ?? 20, query.page_token ?? '');
    return { ...page, notifications: page.notifications.map((row) => notificationOf(row, page)) };
  }

  seen(through?: number): Promise<Numbers> {
    return this.mark('inbox/seen', through === undefined ? {} : { through });
  }

  read(ids: readonly string[]): Promise<Numbers> {
    return this.mark('inbox/read', { ids });
  }

  readAll(): Promise<Numbers> {
    return this.mark('inbox/read', { all: true });
  }

  preferences(): Promise<object> {
    return this.http.call('GET', 'inbox/preferences', { repeatable: true });
  }

  setPreferences(patch: object): Promise<object> {
    return this.http.call('PATCH', 'inbox/preferences', { body: patch, repeatable: true });
  }

  private page(size: number, token: string): Promise<Page> {
    const query = new URLSearchParams({ page_size: String(size) });
    if (token) query.set('page_token', token);
    return this.http.call('GET', 'inbox', { query, repeatable: true });
  }

  // The badge follows the answer, and need not wait for the message that says the same.
  private async mark(path: string, body: object): Promise<Numbers> {
    const numbers = await this.http.call<Numbers>('POST', path, { body, repeatable: true });
    const topic = this.hub.topics.get('inbox');
    if (topic?.ready) {
      topic.count(numbers);
      topic.tell();
    }
    return numbers;
  }

  // What a person has been shown needs no push. A page that nobody looks at shows nothing.
  private acknowledge(topic: Topic): void {
    if (!topic.cursor || topic.cursor === this.acknowledged || !visible()) return;
    this.acknowledged = topic.cursor;
    this.hub.uplink?.ack(topic.cursor);
  }
}

/** Whether a row is read and seen follows from the numbers, so a notification is another object when they change it. */
const made = new WeakMap<Row, Notification>();

function notificationOf(row: Row, { read_through = 0, seen_through = 0 }: Message): Notification {
  const bumped = row['bumped'] as number;
  const read = row['read'] === true || bumped <= read_through;
  const seen = bumped <= seen_through;
  const before = made.get(row);
  if (before && before.read === read && before.seen === seen) return before;
  const notification = { ...row, read, seen } as unknown as Notification;
  made.set(row, notification);
  return notification;
}

function stateOf({ rows, numbers }: Topic, before: InboxState | undefined): InboxState | undefined {
  const notifications = rows.list.map((row) => notificationOf(row, numbers));
  const changes = difference(
    (before?.notifications ?? []) as unknown as Row[],
    notifications as unknown as Row[],
  ) as unknown as InboxState['changes'];
  const { unread = 0, unseen = 0, seq = 0, read_through = 0, seen_through = 0 } = numbers;
  const same =
    before && changes.length === 0 && before.more === rows.more && before.unread === unread && before.unseen === unseen;
  if (same && before.seq === seq && before.read_through === read_through && before.seen_through === seen_through)
    return undefined;
  return { notifications, changes, more: rows.more, unread, unseen, seq, read_through, seen_through };
}
