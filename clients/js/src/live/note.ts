// What the tabs of one browser say to each other.

import type { StatusValue } from '../types.js';
import type { Message } from './message.js';

/** One note. `to` is left out where it is for all. */
export interface Note {
  from: string;
  to?: string;
  is:
    /** of who leads: "I lead" (again, to whoever asks), with the number of its reign and the status */
    | 'leader'
    | 'status'
    | 'head'
    | 'message'
    | 'done'
    /** of who follows */
    | 'hello'
    | 'want'
    | 'drop'
    | 'send'
    | 'ack'
    | 'check'
    | 'bye';
  reign?: string;
  status?: StatusValue;
  cursor?: string;
  topics?: readonly string[];
  message?: Message;
  topic?: string;
  /** With want: what the follower holds, for a leader that holds nothing. */
  seed?: Message | undefined;
  /** Numbers a send and its done. */
  number?: number;
  data?: unknown;
  error?: object | undefined;
}

/** Sends a note; who it is from is added. */
export type Post = (note: Omit<Note, 'from'>) => void;
