// What is known of a declaration. `roundtrip export types` writes an interface of the form of AnySchema; everything else
// here is derived from it: what a record looks like, which refs can be expanded, which fields may be written.

/** What every record has. */
export interface Base {
  id: string;
  /** RFC 3339, UTC. */
  create_time: string;
  update_time: string;
  /** Grows with each write of the record; counts leave it as it is. */
  etag: string;
}

/** A stored file, as it stands in a record. */
export interface StoredFile {
  id: string;
  name: string;
  /** Media type, found from the content. */
  type: string;
  /** Bytes. */
  size: number;
  /** Pixels, of images. */
  width?: number;
  height?: number;
}

/** One collection of a schema. */
export interface CollectionShape {
  record: Base;
  /** What create takes. */
  input: object;
  /** What update takes. */
  patch: object;
  /** The refs, and the collection that each points to. */
  refs: object;
  /** The names of the fields of type file. */
  files: string;
}

/** The form of what `roundtrip export types` writes as `Schema`. */
export interface AnySchema {
  collections: object;
  /** The collection that people sign in to. */
  accounts: string;
  /** The fields that name an account at sign-in. */
  login: string;
  roles: string;
  notifications: string;
  channels: string;
}

/** The names of a schema's collections. */
export type Names<S extends AnySchema> = keyof S['collections'] & string;

type Has<S extends AnySchema, C> = [C] extends [keyof S['collections']] ? true : false;
type Shape<S extends AnySchema, C> = C extends keyof S['collections'] ? S['collections'][C] : never;

/** A record of a collection. Without a schema it is an object whose members are not known. */
export type RecordOf<S extends AnySchema, C> =
  Has<S, C> extends true ? (Shape<S, C> extends { record: infer R } ? R : never) : Base & { [field: string]: any };
/** What create takes. */
export type InputOf<S extends AnySchema, C> =
  Has<S, C> extends true ? (Shape<S, C> extends { input: infer R } ? R : never) : { [field: string]: unknown };
/** What update takes. */
export type PatchOf<S extends AnySchema, C> =
  Has<S, C> extends true ? (Shape<S, C> extends { patch: infer R } ? R : never) : { [field: string]: unknown };
/** The names of a collection's file fields. */
export type FilesOf<S extends AnySchema, C> =
  Has<S, C> extends true ? (Shape<S, C> extends { files: infer F extends string } ? F : never) : string;

type RefsOf<S extends AnySchema, C> = Shape<S, C> extends { refs: infer R } ? R : never;
type Ref<S extends AnySchema, C> = keyof RefsOf<S, C> & string;
type Target<S extends AnySchema, C, R> = R extends keyof RefsOf<S, C> ? RefsOf<S, C>[R] : never;

type Hop1<S extends AnySchema, C> = Ref<S, C>;
type Hop2<S extends AnySchema, C> = { [R in Ref<S, C>]: `${R}.${Hop1<S, Target<S, C, R>>}` }[Ref<S, C>];
type Hop3<S extends AnySchema, C> = { [R in Ref<S, C>]: `${R}.${Hop2<S, Target<S, C, R>>}` }[Ref<S, C>];

/** The refs that can be expanded, up to three in a path. */
export type Path<S extends AnySchema, C> = Has<S, C> extends true ? Hop1<S, C> | Hop2<S, C> | Hop3<S, C> : string;

type Head<P> = P extends `${infer H}.${string}` ? H : P;
type Tail<P, H extends string> = P extends `${H}.${infer T}` ? T : never;

/** What expand adds to a record. A ref that is null, or that leads to what the caller may not read, has no member. */
export type Expanded<S extends AnySchema, C, P> = [P] extends [never]
  ? unknown
  : Has<S, C> extends true
    ? {
        expand: {
          [H in Head<P> & Ref<S, C>]?: RecordOf<S, Target<S, C, H>> & Expanded<S, Target<S, C, H>, Tail<P, H>>;
        };
      }
    : { expand: { [ref: string]: any } };

/** A record as a query answers it: its fields, or those of `fields`, and what was expanded. */
export type Item<S extends AnySchema, C, E, F> = ([F] extends [never]
  ? RecordOf<S, C>
  : Pick<RecordOf<S, C>, (F | 'id') & keyof RecordOf<S, C>>) &
  Expanded<S, C, E>;

/** The account's own record. */
export type AccountOf<S extends AnySchema> = RecordOf<S, S['accounts']>;

/** Adds to a number in the database, so that two at once don't overwrite each other. */
export interface Add {
  $add: number;
}
