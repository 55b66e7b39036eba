// Accounts, as /api/people/ says them.
import type { Rec } from '../data/types';

export interface Person {
  id: string;
  login: string;
  roles: string[];
  locked?: boolean; // has no password
  since: string;
  failures?: { count: number; last: string; until?: string };
}

export interface Session {
  id: string;
  device: string;
  from?: string;
  created: string;
  last_used: string;
  expires: string;
}

export interface Whole extends Person {
  logins: { field: string; value: string }[];
  record: Rec;
  sessions: Session[];
}

export interface People {
  collection: string;
  login?: string[];
  roles: string[];
  people: Person[];
  next_page_token?: string;
}
