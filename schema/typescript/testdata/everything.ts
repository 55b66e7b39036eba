// The types of everything, made by `roundtrip export types`. Don't edit them: change roundtrip.yaml, and make them anew.

import type { Add, Base, StoredFile } from '@roundtrip/client';

/** A record of people. */
export interface Person extends Base {
  handle: string;
  mail: string;
  home: string | null;
  /** RFC 3339, UTC. */
  born: string | null;
  /** How many records of things point here. */
  things: number;
}

/** What create takes. */
export interface PersonInput {
  id?: string;
  handle: string;
  mail: string;
  home?: string | null;
  born?: string | null;
}

/** What update takes: what is left out stays. */
export interface PersonPatch {
  handle?: string;
  mail?: string;
  home?: string | null;
}

/** A record of things. */
export interface Thing extends Base {
  /** The id of a record of people. */
  owner: string;
  /** The id of a record of things. */
  within: string | null;
  size: number;
  weight: number | null;
  done: boolean;
  state: 'draft' | "it's done" | 'a "b"';
  mood: 'good' | 'bad' | null;
  more: unknown;
  must: unknown;
  cover: StoredFile;
  extra: StoredFile | null;
}

/** What create takes. */
export interface ThingInput {
  id?: string;
  owner?: string;
  within?: string | null;
  size?: number;
  weight?: number | null;
  done: boolean;
  state?: 'draft' | "it's done" | 'a "b"';
  mood?: 'good' | 'bad' | null;
  more?: unknown;
  must: unknown;
  cover: Blob;
  extra?: Blob | null;
}

/** What update takes: what is left out stays. */
export interface ThingPatch {
  within?: string | null;
  size?: number | Add;
  weight?: number | Add | null;
  done?: boolean;
  state?: 'draft' | "it's done" | 'a "b"';
  mood?: 'good' | 'bad' | null;
  more?: unknown;
  must?: unknown;
  cover?: Blob;
  extra?: Blob | null;
}

/** A record of schemas. */
export interface Schemas extends Base {
  text: string | null;
}

/** What create takes. */
export interface SchemasInput {
  id?: string;
  text?: string | null;
}

/** What update takes: what is left out stays. */
export interface SchemasPatch {
  text?: string | null;
}

/** A record of thing_inputs. */
export interface ThingInputs extends Base {
  text: string | null;
}

/** What create takes. */
export interface ThingInputsInput {
  id?: string;
  text?: string | null;
}

/** What update takes: what is left out stays. */
export interface ThingInputsPatch {
  text?: string | null;
}

/** A record of opening_boxes. */
export interface OpeningBox extends Base {
  text: string | null;
}

/** What create takes. */
export interface OpeningBoxInput {
  id?: string;
  text?: string | null;
}

/** What update takes: what is left out stays. */
export interface OpeningBoxPatch {
  text?: string | null;
}

/** A record of entries. */
export interface Entry extends Base {
  text: string | null;
}

/** What create takes. */
export interface EntryInput {
  id?: string;
  text?: string | null;
}

/** What update takes: what is left out stays. */
export interface EntryPatch {
  text?: string | null;
}

/** A record of status. */
export interface Status extends Base {
  text: string | null;
}

/** What create takes. */
export interface StatusInput {
  id?: string;
  text?: string | null;
}

/** What update takes: what is left out stays. */
export interface StatusPatch {
  text?: string | null;
}

/** All of it, for createClient<Schema>(…). */
export interface Schema {
  collections: {
    people: { record: Person; input: PersonInput; patch: PersonPatch; refs: {}; files: never };
    things: { record: Thing; input: ThingInput; patch: ThingPatch; refs: { owner: 'people'; within: 'things' }; files: 'cover' | 'extra' };
    schemas: { record: Schemas; input: SchemasInput; patch: SchemasPatch; refs: {}; files: never };
    thing_inputs: { record: ThingInputs; input: ThingInputsInput; patch: ThingInputsPatch; refs: {}; files: never };
    opening_boxes: { record: OpeningBox; input: OpeningBoxInput; patch: OpeningBoxPatch; refs: {}; files: never };
    entries: { record: Entry; input: EntryInput; patch: EntryPatch; refs: {}; files: never };
    status: { record: Status; input: StatusInput; patch: StatusPatch; refs: {}; files: never };
  };
  accounts: 'people';
  login: 'handle' | 'mail';
  roles: 'editor' | 'night_watch';
  notifications: never;
  channels: never;
}
