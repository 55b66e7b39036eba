// A page that calls the gallery with connect-web, from its own origin or another one. What people would press are functions here.
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';
import { Auth, Likes, LikeSchema, Photos, type Photo } from './gen/gallery/v1/gallery_pb.js';
import { BadRequestSchema, ErrorInfoSchema } from './gen/google/rpc/error_details_pb.js';

type Over = 'grpc-web' | 'connect';
type Options = { api: string; over: Over; cookie?: boolean };

let transport: Transport;
let token = '';

// open says where the API is, how it is spoken with, and whether the browser's cookie goes with each call.
function open({ api, over, cookie }: Options): void {
  const bearer: Interceptor = (next) => (request) => {
    if (token) request.header.set('Authorization', `Bearer ${token}`);
    return next(request);
  };
  const send: typeof fetch = (input, init) => fetch(input, { ...init, credentials: cookie ? 'include' : 'same-origin' });
  const options = { baseUrl: api, fetch: send, interceptors: [bearer] };
  transport = over === 'grpc-web' ? createGrpcWebTransport(options) : createConnectTransport({ ...options, useHttpGet: true });
}

async function signIn(login: string, password: string) {
  const grant = await createClient(Auth, transport).signIn({ login, password });
  token = grant.token;
  return { token, handle: grant.account?.handle };
}

const me = async () => (await createClient(Auth, transport).me({})).account?.handle;
const signOut = async () => { await createClient(Auth, transport).signOut({}); };

async function photos() {
  const page = await createClient(Photos, transport).list({ orderBy: 'create_time desc', pageSize: 3, expand: ['author'], readMask: { paths: ['caption', 'author', 'likes'] } });
  const say = (p: Photo) => `${p.expand?.author?.handle}: ${p.caption ?? ''}, ${p.likes} likes`;
  document.querySelector('#photos')!.replaceChildren(...page.photos.map((p) => Object.assign(document.createElement('li'), { textContent: say(p) })));
  return page.photos.map((p) => ({ id: p.id, said: say(p) }));
}

// like tells its headers too: a repeated key says that it was done before.
async function like(photo: string, requestId = '') {
  const headers: Record<string, string> = {};
  const made = await createClient(Likes, transport).create({ like: create(LikeSchema, { photo }), requestId }, { onHeader: (h) => h.forEach((v, k) => { headers[k] = v; }) });
  return { id: made.id, headers };
}

const unlike = async (id: string) => { await createClient(Likes, transport).delete({ id }); };

// find lists by a filter that the page's visitor wrote.
const find = async (filter: string) => (await createClient(Photos, transport).list({ filter })).photos.length;

let watching: AbortController | undefined;
let ended: Promise<unknown> = Promise.resolve();

// watch shows the likes of a photo as they come and go, until stop. It returns when it has the first message.
function watch(photo: string, timeoutMs?: number) {
  const list = document.querySelector('#likes')!;
  const stop = watching = new AbortController();
  return new Promise<string>((begun, failed) => {
    const follow = async () => {
      let journey = '';
      const onHeader = (h: Headers) => { journey = h.get('x-journey') ?? ''; };
      const options = { signal: stop.signal, onHeader, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
      for await (const message of createClient(Likes, transport).watch({ filter: `photo == "${photo}"`, expand: ['user'] }, options)) {
        const put = [...(message.snapshot?.likes ?? []), ...message.changes.flatMap(({ what }) => (what.case === 'put' ? [what.value] : []))];
        for (const l of put) list.append(Object.assign(document.createElement('li'), { id: `like-${l.id}`, textContent: `liked by ${l.expand?.user?.handle}` }));
        for (const { what } of message.changes) if (what.case === 'removed') document.getElementById(`like-${what.value}`)?.remove();
        if (message.snapshot) begun(journey);
      }
      return 'the server ended it';
    };
    ended = follow().catch((error: unknown) => { failed(error); return tell(error); });
  });
}

// stop leaves the stream, and returns how it ended.
function stop() {
  watching?.abort();
  return ended;
}

// tell is an error as a program reads it: what to do is decided by the code and the reason, what was wrong by the fields.
function tell(error: unknown) {
  const e = ConnectError.from(error);
  const info = e.findDetails(ErrorInfoSchema)[0];
  return {
    code: Code[e.code], message: e.rawMessage, reason: info?.metadata['code'], journey: info?.metadata['journey'], header: e.metadata.get('x-journey'),
    fields: e.findDetails(BadRequestSchema).flatMap((b) => b.fieldViolations.map((v) => `${v.field}: ${v.reason}`)),
  };
}

// late calls with an end that is over before the answer can come.
async function late(photo: string) {
  const leaving = new AbortController();
  const call = createClient(Likes, transport).list({ filter: `photo == "${photo}"` }, { signal: leaving.signal });
  leaving.abort();
  return call.then(() => 'answered', tell);
}

const caller = { open, signIn, signOut, me, photos, like, unlike, find, watch, stop, late, ended: () => ended };
export type Caller = typeof caller;
// what returns either the answer of a function, or its error as tell has it.
Object.assign(globalThis, {
  call: async (name: keyof Caller, ...args: never[]) => {
    try {
      return { ok: await (caller[name] as (...args: never[]) => unknown)(...args) };
    } catch (error) {
      return { error: tell(error) };
    }
  },
});
