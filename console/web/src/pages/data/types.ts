// What is declared of records, as GET /api/data/ says it, and records themselves.
import type { IconName } from '../../parts';

export interface Field {
  name: string;
  type: string;
  where: string;
  system?: boolean;
  required?: boolean;
  unique?: boolean;
  immutable?: boolean;
  search?: boolean;
  served?: boolean; // an index starts with it
  default?: string;
  to?: string; // of a ref; of a count the collection that is counted
  of?: string;
  on_delete?: string;
  options?: string[];
  match?: string;
  min?: number;
  max?: number;
  accept?: string[];
  max_bytes?: number;
  sizes?: number[];
}

export interface Collection {
  name: string;
  where: string;
  accounts?: boolean;
  count: number | null;
  fields: Field[];
  rules: Partial<Record<'read' | 'create' | 'update' | 'delete', { source: string; where: string }>>;
  indexes: { fields: string[]; unique?: boolean; where?: string }[];
  from?: { collection: string; field: string; on_delete: string }[];
  hooks?: string[];
}

export interface Declared {
  name: string;
  api?: string; // where the site itself serves the records: https://gallery.localhost:8443/api/
  collections: Collection[];
}

export type Value = string | number | boolean | null | StoredFile | object;
export type Rec = { id: string; etag: string; create_time: string; update_time: string; expand?: Record<string, Rec> } & { [field: string]: Value | undefined };

export interface StoredFile {
  id: string;
  name: string;
  type: string;
  size: number;
  width?: number;
  height?: number;
}

export const isImage = (f: StoredFile): boolean => /^image\/(jpeg|png|gif|webp|avif)$/.test(f.type);

// fileURL is where the bytes of a record's file lie: the smallest width that fills so many pixels, if the field has any.
export function fileURL(of: Collection, field: Field, record: Rec, wanted = 0): string {
  const file = record[field.name] as StoredFile;
  const size = wanted && file.width && file.width > wanted ? (field.sizes?.toSorted((a, z) => a - z).find((s) => s >= wanted) ?? field.sizes?.at(-1)) : undefined;
  return `/api/data/files/${of.name}/${record.id}/${field.name}?v=${file.id}${size ? `&size=${size}` : ''}`;
}

// label is what a person calls a record by: its first unique text or address, or its first text, or its id.
export function labelField(of: Collection | undefined): Field | undefined {
  const texts = of?.fields.filter((f) => !f.system && (f.type === 'text' || f.type === 'email')) ?? [];
  return texts.find((f) => f.unique) ?? texts[0];
}

export function label(of: Collection | undefined, record: Rec): string {
  const field = labelField(of);
  const value = field && record[field.name];
  return typeof value === 'string' && value !== '' ? value : record.id;
}

export const typeIcon = (f: Field): IconName => (f.type === 'ref' ? 'path' : f.type === 'count' ? 'generations' : 'reasons');

// writable says whether an operator may set a field of a record that is there already.
export const writable = (f: Field): boolean => !f.system && !f.immutable && f.type !== 'count';
// settable is the same of a new record.
export const settable = (f: Field): boolean => !f.system && f.type !== 'count';
