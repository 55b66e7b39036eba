// What somebody writes who has the document alone: types by openapi-typescript, calls by openapi-fetch.
import createClient from 'openapi-fetch';
import type { components, paths } from './made/api.js';

const baseUrl = process.env.API ?? '';
const querySerializer = { array: { style: 'form', explode: false } } as const;
const stranger = createClient<paths>({ baseUrl, querySerializer });

const joined = await stranger.POST('/auth/sign-up', { body: { handle: 'ana', password: 'correct horse battery' } });
if (joined.error) throw new Error(`${joined.error.code} ${joined.error.detail}`);
const token: string | undefined = joined.data.token;
if (!token) throw new Error('no token');

const api = createClient<paths>({ baseUrl, querySerializer, headers: { authorization: `Bearer ${token}` } });
const made = await api.POST('/pins', { body: { text: 'first', colour: 'red' } });
if (made.error) throw new Error(made.error.detail);
const pin: components['schemas']['Pin'] = made.data;
const colour: 'red' | 'green' | null = pin.colour;
const tag = made.response.headers.get('etag') ?? '';

const listed = await api.GET('/pins', { params: { query: { filter: 'stars == 0', colour: 'red', expand: ['author'], count: 'exact' } } });
const author: string | undefined = listed.data?.pins[0]?.expand?.author?.handle;

const changed = await api.PATCH('/pins/{id}', {
  params: { path: { id: pin.id }, header: { 'If-Match': tag } }, body: { text: 'second', stars: { $add: 2 } },
});
const late = await api.PATCH('/pins/{id}', { params: { path: { id: pin.id }, header: { 'If-Match': tag } }, body: { text: 'third' } });
const problem: components['schemas']['Problem'] | undefined = late.error;
const wrong = await api.POST('/pins', { body: { text: '' } });

console.log(JSON.stringify({
  colour, author, total: listed.data?.total_size, stars: changed.data?.stars, text: changed.data?.text,
  late: problem?.reason, status: late.response.status, wrong: wrong.error?.errors?.map((e) => `${e.pointer} ${e.code}`),
}));
