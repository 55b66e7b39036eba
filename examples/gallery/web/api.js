// Speaking with the API: one function, one kind of error.

// Problem is what the server answers when it can't or won't (application/problem+json, RFC 9457).
export class Problem extends Error {
  constructor(status, body, journey) {
    super(body.detail ?? body.title ?? `the server answered with ${status}`);
    this.status = status; // 0: no answer came at all
    this.code = body.code;
    this.errors = body.errors ?? []; // [{ pointer: '/handle', detail: '…' }]
    this.journey = body.journey ?? journey; // names the record of this request on the server
  }
}

// call sends a request below /api/ and returns the answer's JSON, or undefined where there is none. The body is an object
// that becomes JSON, or a FormData. The session is a cookie, so there is nothing to remember here.
export async function call(method, path, body) {
  const request = { method, headers: { Accept: 'application/json' } };
  if (body instanceof FormData) {
    request.body = body;
  } else if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers['Content-Type'] = 'application/json';
  }
  let response;
  try {
    response = await fetch(`/api/${path}`, request);
  } catch {
    throw new Problem(0, { detail: 'no answer came; is the server running?' });
  }
  const journey = response.headers.get('X-Journey');
  const text = await response.text();
  let answer;
  try {
    answer = text ? JSON.parse(text) : undefined;
  } catch {
    throw new Problem(response.status, { detail: 'the answer was no JSON' }, journey);
  }
  if (!response.ok) throw new Problem(response.status, answer ?? {}, journey);
  return answer;
}

// list asks for one page of a collection: { photos: […], next_page_token: '…' }.
export function list(collection, parameters) {
  const wanted = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== '');
  return call('GET', `${collection}?${new URLSearchParams(wanted)}`);
}

// file is the address of a record's file at one of the sizes that the collection declares. The file's id stands in it, so
// another file has another address and browsers may keep it for ever.
export function file(collection, record, field, size) {
  return `/api/files/${collection}/${record.id}/${field}?size=${size}&v=${record[field].id}`;
}

// The account that is signed in, or null. Scripts can't see the session's cookie; `signed-in` only saves strangers a
// request that is refused.
export const session = { account: null, roles: [] };

const remember = (answer) => {
  session.account = answer?.account ?? null;
  session.roles = answer?.roles ?? [];
  if (session.account) localStorage.setItem('signed-in', 'yes');
  else localStorage.removeItem('signed-in');
};

export async function resume() {
  if (!localStorage.getItem('signed-in')) return;
  try {
    remember(await call('GET', 'auth/me'));
  } catch (problem) {
    if (problem.status === 401) remember(null);
    else throw problem;
  }
}

export async function signIn(handle, password) {
  await call('POST', 'auth/sign-in', { handle, password });
  remember(await call('GET', 'auth/me'));
}

export async function signUp(account) {
  await call('POST', 'auth/sign-up', account);
  remember(await call('GET', 'auth/me'));
}

export async function signOut() {
  await call('POST', 'auth/sign-out');
  remember(null);
}
