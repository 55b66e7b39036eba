// A call as developers copy it: for a shell, for the client of JavaScript, for gRPC's and Connect's tools.
import type { Api, Body, Call, Site } from './types';

export interface Snippet {
  name: string;
  text: string;
  hint?: string;
}

const quote = (s: string) => `'${s.replaceAll("'", "'\\''")}'`;
const lines = (parts: (string | false | undefined)[]) => parts.filter(Boolean).join(' \\\n  ');

export const pretty = (json: string): string => {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
};

// asksWho says whether the answer may depend on who asks.
export const asksWho = (c: Call): boolean => !c.open && c.rule?.source !== 'true';

// pathOf is the path with examples in the place of its parameters.
export const pathOf = (c: Call): string => c.path.replace(/\{(\w+)\}/g, (whole, name: string) => c.parameters.find((p) => p.name === name && p.in === 'path')?.example ?? whole);

export const jsonBody = (c: Call): Body | undefined => c.bodies.find((b) => b.example);

export function snippets(api: Api, site: Site, c: Call, collection: boolean, group: string): Snippet[] {
  const list: Snippet[] = [{ name: 'curl', text: curl(api, site, c) }];
  const js = client(site, c, collection, group);
  if (js) list.push({ name: 'JavaScript', text: js });
  if (!c.procedure) return list;
  list.push({ name: 'grpcurl', text: grpcurl(api, site, c), hint: 'The server tells grpcurl its schema (reflection).' });
  if (!c.stream) list.push({ name: 'Connect', text: connect(api, site, c) });
  return list;
}

const ca = (api: Api, flag: string) => api.authority && `${flag} ${quote(api.authority)}`;
const token = (c: Call) => asksWho(c) && `-H 'Authorization: Bearer TOKEN'`;

function curl(api: Api, site: Site, c: Call): string {
  const body = jsonBody(c);
  const form = body ? undefined : c.bodies.find((b) => b.parts);
  return lines([
    `curl ${c.method === 'GET' ? '' : `-X ${c.method} `}${c.stream ? '-N ' : ''}${quote(site.url + pathOf(c))}`,
    ca(api, '--cacert'), token(c),
    body && `-H 'Content-Type: ${body.type}'`, body && `-d ${quote(body.example ?? '')}`,
    ...(form?.parts ?? []).map((p) => `-F ${quote(p.file ? `${p.name}=@${p.name}.jpg` : `${p.name}=${p.text ?? ''}`)}`),
  ]);
}

function grpcurl(api: Api, site: Site, c: Call): string {
  return lines([
    `grpcurl${site.tls ? '' : ' -plaintext'}`, site.tls && ca(api, '-cacert'), token(c)?.toString().replace('Authorization', 'authorization'),
    c.message && c.message !== '{}' && `-d ${quote(c.message)}`, `${/:\d+$/.test(site.host) ? site.host : `${site.host}:${site.tls ? 443 : 80}`} ${c.procedure}`,
  ]);
}

function connect(api: Api, site: Site, c: Call): string {
  return lines([`curl ${quote(`${site.url}/${c.procedure}`)}`, ca(api, '--cacert'), token(c), `-H 'Content-Type: application/json'`, `-d ${quote(c.message ?? '{}')}`]);
}

// client is the call with clients/js, '' for what it has other words for.
function client(site: Site, c: Call, collection: boolean, group: string): string {
  const said = call(c, collection, group);
  return said && `import { createClient } from '@roundtrip/client'\nconst rt = createClient({ url: '${site.url}/' })\n\n${said}`;
}

function call(c: Call, collection: boolean, group: string): string {
  const id = `'${c.parameters.find((p) => p.name === 'id')?.example ?? 'ID'}'`;
  const data = literal(c);
  if (collection) {
    const records = /^[A-Za-z_$][\w$]*$/.test(group) ? `rt.${group}` : `rt.collection('${group}')`;
    switch (c.name) {
      case 'list': return `const { records, next_page_token } = await ${records}.list({ page_size: 20 })`;
      case 'get': return `const record = await ${records}.get(${id})`;
      case 'create': return `const record = await ${records}.create(${data})`;
      case 'update': return `const record = await ${records}.update(${id}, ${data})`;
      case 'delete': return `await ${records}.delete(${id})`;
      case 'aggregate': return `const [group] = await ${records}.aggregate({ select: ['count'] })`;
      case 'watch': return `for await (const { records, changes } of ${records}.watch()) console.log(records, changes)`;
    }
    return '';
  }
  const words: Record<string, string> = {
    signUp: `await rt.auth.signUp(${data})`, signIn: `await rt.auth.signIn(${data})`, signOut: 'await rt.auth.signOut()', getMe: 'const me = await rt.auth.me()',
    listInbox: 'const { notifications } = await rt.inbox.list({ page_size: 20 })', markSeen: 'await rt.inbox.seen()', getPreferences: 'const preferences = await rt.inbox.preferences()',
    setPreferences: `await rt.inbox.setPreferences(${data})`,
  };
  return words[c.name] ?? '';
}

// literal is the example of the body as JavaScript has it; a file is what somebody chose.
function literal(c: Call): string {
  const body = jsonBody(c);
  if (body?.example) return pretty(body.example).replace(/^(\s*)"([A-Za-z_$][\w$]*)":/gm, '$1$2:');
  const parts = c.bodies.find((b) => b.parts)?.parts ?? [];
  return parts.length ? `{ ${parts.map((p) => `${p.name}: ${p.file ? 'input.files[0]' : /^(true|false|-?\d+(\.\d+)?)$/.test(p.text ?? '') ? p.text : JSON.stringify(p.text ?? '')}`).join(', ')} }` : '{}';
}
