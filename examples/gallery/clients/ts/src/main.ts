// A client of the gallery: signs in, posts a photo with its bytes, lists photos with their authors, and watches the likes come in.
//
//   node dist/main.js PICTURE [--server https://…] [--over grpc|grpc-web|connect]

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { Code, ConnectError, createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { Auth, Likes, Photos, type Grant, type Photo } from './gen/gallery/v1/gallery_pb.js';
import { BadRequestSchema, ErrorInfoSchema } from './gen/google/rpc/error_details_pb.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: 'string', default: 'https://gallery.localhost:8443' },
    over: { type: 'string', default: 'grpc' },
  },
});
const picture = positionals[0];
if (!picture) throw new Error('which picture? node dist/main.js PICTURE');

/** One way to the server. With a token, every call is its account's. */
function connect(token?: string): Transport {
  const signIn: Interceptor = (next) => (request) => {
    if (token) request.header.set('Authorization', `Bearer ${token}`);
    return next(request);
  };
  const options = { baseUrl: values.server, interceptors: [signIn] };
  switch (values.over) {
    case 'grpc':
      return createGrpcTransport(options);
    case 'grpc-web':
      return createGrpcWebTransport({ ...options, httpVersion: '2' });
    case 'connect':
      return createConnectTransport({ ...options, httpVersion: '2', useHttpGet: true });
    default:
      throw new Error(`--over is grpc, grpc-web or connect, not ${values.over}`);
  }
}

async function signIn(handle: string): Promise<[Grant, Transport]> {
  const grant = await createClient(Auth, connect()).signIn({ login: handle, password: 'roundtrip-demo' });
  return [grant, connect(grant.token)];
}

/** The reason of an error, such as store.unique: docs/reasons.md has them all. */
function reason(error: ConnectError): string {
  return error.findDetails(ErrorInfoSchema)[0]?.metadata['code'] ?? '';
}

/** Prints each like of a photo as it comes, until there were as many as are waited for. */
async function watchLikes(transport: Transport, photo: Photo, count: number, begun: () => void): Promise<void> {
  const filter = `photo == "${photo.id}"`;
  const enough = new AbortController();
  for await (const message of createClient(Likes, transport).watch({ filter, expand: ['user'] }, { signal: enough.signal })) {
    if (message.snapshot) begun();
    for (const { what } of message.changes) {
      if (what.case !== 'put') continue;
      console.log(`liked by ${what.value.expand?.user?.handle}`);
      if (--count === 0) {
        enough.abort(); // ends the stream
        return;
      }
    }
    // message.resumeToken is a cursor: watch({ filter, resumeToken }) goes on from there after a cut.
  }
}

const [ana, asAna] = await signIn('ana');
const [, asJonas] = await signIn('jonas');
console.log(`signed in as ${ana.account?.name}`);

const photos = createClient(Photos, asAna);
const photo = await photos.create({
  photo: { caption: 'From a program', image: { name: basename(picture), content: await readFile(picture) } },
  requestId: crypto.randomUUID(), // the same request may be sent again after a lost answer
});
console.log(`posted ${photo.image?.name}: ${photo.image?.type}, ${photo.image?.width}x${photo.image?.height}`);

const page = await photos.list({ orderBy: 'create_time desc', pageSize: 3, expand: ['author'] });
for (const p of page.photos) console.log(`${p.expand?.author?.handle}: ${p.caption ?? '(no caption)'}, ${p.likes} likes`);

await new Promise<void>((liked, failed) => {
  const jonas = createClient(Likes, asJonas);
  const like = () => jonas.create({ like: { photo: photo.id } }).catch(failed);
  watchLikes(asAna, photo, 1, like).then(liked, failed);
});

try {
  await createClient(Likes, asJonas).create({ like: { photo: photo.id } });
} catch (error) {
  if (!(error instanceof ConnectError) || reason(error) !== 'store.unique') throw error;
  const fields = error.findDetails(BadRequestSchema).flatMap((wrong) => wrong.fieldViolations.map((v) => v.field));
  console.log(`jonas likes it already (${Code[error.code]}: ${fields.join(', ')})`);
}

await photos.delete({ id: photo.id });
