// What is sent when a call is tried: the order, and what follows it where there are files.
import { request } from '../../api/client';
import type { Collection, Field, Value } from '../data/types';
import { settable, writable } from '../data/types';
import { jsonBody } from './snippets';
import type { Call, Site } from './types';

export type Door = 'rest' | 'connect';
export type Files = Record<string, File>;
export type Fields = Record<string, Value>;

// Sender is who asks: nobody, the account that is signed in at the site, or one whose password is not asked for.
export interface Sender {
  signedIn: boolean;
  account?: string;
}

export interface Draft {
  door: Door;
  values: Record<string, string>; // of parameters
  text: string; // the body
  files: Files;
  from: Sender;
}

export interface Order {
  site: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
  as: boolean;
  account?: string;
}

const orderMost = 60_000; // bytes of an order that has its body within; the console reads 64 kB

// fieldsOf are the fields that a call on records sets; none where it is another call.
export function fieldsOf(of: Collection | undefined, call: Call): Field[] {
  if (call.name === 'create') return of?.fields.filter(settable) ?? [];
  return call.name === 'update' ? (of?.fields.filter(writable) ?? []) : [];
}

// wrapper is the member of Connect's message that has the record: {"photo": {…}}.
export const wrapper = (call: Call): string => Object.keys(parsed(call.message ?? '{}') ?? {})[0] ?? '';

// parsed is the object that a text is, undefined where it is none.
export function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const v: unknown = JSON.parse(text);
    return typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const shown = (v: unknown) => JSON.stringify(v, null, 2);

// recordIn is the record that the body of a door has, and textOf the body of a record.
export function recordIn(door: Door, call: Call, text: string): Fields | undefined {
  const whole = parsed(text);
  return (door === 'rest' ? whole : whole?.[wrapper(call)]) as Fields | undefined;
}
export const textOf = (door: Door, call: Call, record: Fields): string => shown(door === 'rest' ? record : { [wrapper(call)]: record });

// across is a body as the other door has it; over Connect, the id of the record stands in it.
export function across(to: Door, call: Call, text: string, values: Record<string, string>): { text: string; values: Record<string, string> } {
  const record = recordIn(to === 'rest' ? 'connect' : 'rest', call, text);
  if (!record) return { text, values };
  const { id, ...rest } = record;
  if (call.name !== 'update') return { text: textOf(to, call, record), values };
  return to === 'rest' ? { text: textOf(to, call, rest), values: { ...values, id: String(id ?? '') } } : { text: textOf(to, call, { id: values.id ?? '', ...rest }), values };
}

// example is what a form of fields begins with: the example without files and without ids that nobody has.
export function example(call: Call, fields: Field[]): Fields {
  const whole = parsed(jsonBody(call)?.example ?? '') ?? recordIn('connect', call, call.message ?? '') ?? {};
  return Object.fromEntries(fields.filter((f) => f.name in whole && f.type !== 'file' && f.type !== 'ref').map((f) => [f.name, whole[f.name] as Value]));
}

// orderOf is the request that the form means, without its files.
export function orderOf(site: Site, call: Call, d: Draft): Order {
  const from = { as: d.from.signedIn, ...(d.from.account && { account: d.from.account }) };
  if (d.door === 'connect') {
    const headers: Record<string, string> = call.stream ? { 'Content-Type': 'application/connect+json', 'Connect-Protocol-Version': '1' } : { 'Content-Type': 'application/json' };
    return { site: site.name, method: 'POST', path: `/${call.procedure}`, headers, body: d.text, ...from };
  }
  const search = new URLSearchParams();
  const headers: Record<string, string> = {};
  let path = call.path;
  for (const p of call.parameters) {
    const value = (d.values[p.name] ?? '').trim();
    if (p.in === 'path') path = path.replace(`{${p.name}}`, encodeURIComponent(value));
    else if (value && p.in === 'query') search.append(p.name, value);
    else if (value) headers[p.name] = value;
  }
  if (d.text && call.bodies.length > 0) headers['Content-Type'] = jsonBody(call)?.type ?? (call.method === 'PATCH' ? 'application/merge-patch+json' : 'application/json');
  const end = search.toString();
  return { site: site.name, method: call.method, path: path + (end && `?${end}`), headers, body: d.text, ...from };
}

// payload is what POST /api/try takes: the order alone, or a form with what is sent behind it.
export async function payload(order: Order, call: Call, d: Draft): Promise<Order | FormData> {
  const hasFiles = Object.keys(d.files).length > 0;
  if (!hasFiles && new Blob([JSON.stringify(order)]).size < orderMost) return order;
  let content = new Blob([order.body]);
  const headers = { ...order.headers };
  if (hasFiles && d.door === 'rest') {
    const form = new FormData();
    form.set('data', order.body);
    for (const [name, file] of Object.entries(d.files)) form.set(name, file);
    const written = new Response(form); // it has the boundary in its type
    headers['Content-Type'] = written.headers.get('Content-Type') ?? '';
    content = await written.blob();
  } else if (hasFiles) {
    const record = { ...recordIn('connect', call, order.body) } as Record<string, unknown>;
    for (const [name, file] of Object.entries(d.files)) record[name] = { name: file.name, content: await base64(file) };
    content = new Blob([JSON.stringify({ ...parsed(order.body), [wrapper(call)]: record })]);
  }
  const { body: _, ...rest } = order;
  const form = new FormData();
  form.set('order', JSON.stringify({ ...rest, headers, size: content.size }));
  form.set('content', content);
  return form;
}

function base64(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ''));
    reader.onerror = () => reject(reader.error ?? new Error(`${file.name} can’t be read`));
    reader.readAsDataURL(file);
  });
}

// send makes the call.
export const send = async <T>(order: Order, call: Call, d: Draft): Promise<T> => (await (await request('POST', '/api/try', await payload(order, call, d))).json()) as T;
