// What travels between the server and a topic, and from tab to tab.

/** A record or notification, as far as the live parts look into it. */
export interface Row {
  readonly id: string;
  readonly [member: string]: unknown;
}

/** What the server says of one topic: its snapshot, or what changed since. */
export interface Message {
  id?: number;
  topic?: string;
  snapshot?: Row[];
  changes?: { put?: Row; removed?: string }[];
  cursor?: string;
  /** Why a snapshot comes in place of changes. */
  reset?: string;
  error?: object;
  /** Everything up to this cursor has been sent, of all topics. */
  head?: string;
  ok?: boolean;
  /** Of the inbox. */
  unread?: number;
  unseen?: number;
  seq?: number;
  read_through?: number;
  seen_through?: number;
  /** Of a channel. */
  presence?: Row[];
  joined?: Row;
  left?: Row;
  from?: Row | null;
  data?: unknown;
  /** Only from tab to tab: whether the sender knows of more than its snapshot holds. */
  more?: boolean;
}
