// The types of stranger, made by `roundtrip export types`. Don't edit them: change roundtrip.yaml, and make them anew.

import type { Base } from '@roundtrip/client';

/** A record of notes. */
export interface Note extends Base {
  text: string;
}

/** What create takes. */
export interface NoteInput {
  id?: string;
  text: string;
}

/** What update takes: what is left out stays. */
export interface NotePatch {
  text?: string;
}

/** All of it, for createClient<Schema>(…). */
export interface Schema {
  collections: {
    notes: { record: Note; input: NoteInput; patch: NotePatch; refs: {}; files: never };
  };
  accounts: never;
  login: never;
  roles: never;
  notifications: never;
  channels: never;
}
