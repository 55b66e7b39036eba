// The page that says why a request fails: it sends the request, tells the server what came of it, and shows what both saw.
const home = '/.well-known/roundtrip/why';
const patience = 20_000; // ms that one try may take
const probePatience = 4_000;
const beginning = 4096; // characters of a problem that are told

const $ = (id) => document.getElementById(id);

// element makes an element with a class and a text.
function element(name, kind, ...content) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  made.append(...content);
  return made;
}

// ask sends something to this site's own server.
async function ask(what, body) {
  const answer = await fetch(`${home}/${what}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.detail || said.title || `The server answered ${answer.status}.`);
  return said;
}

// send tries once. What a script learns of a failure is that there was one.
async function send(url, options, wait = patience) {
  const began = performance.now();
  const saw = { ok: false };
  try {
    const answer = await fetch(url, { cache: 'no-store', referrerPolicy: 'strict-origin-when-cross-origin', ...options, signal: AbortSignal.timeout(wait) });
    saw.ok = true;
    saw.type = answer.type;
    saw.status = answer.status;
    saw.journey = answer.headers.get('X-Journey') ?? '';
    if (answer.redirected) saw.redirected = answer.url.slice(0, 2048);
    if (answer.headers.get('Content-Type')?.startsWith('application/problem+json')) saw.problem = (await answer.text()).slice(0, beginning);
    else await answer.body?.cancel();
  } catch (error) {
    saw.late = error.name === 'TimeoutError';
    saw.error = String(error.message ?? error).slice(0, 200);
  }
  saw.ms = performance.now() - began;
  return saw;
}

// timing is what the browser measured of the last request to a URL. Of other origins it tells nothing but the whole, unless
// they allow it (Timing-Allow-Origin).
function timing(url) {
  const entry = performance.getEntriesByName(url, 'resource').at(-1);
  if (!entry || !entry.requestStart) return undefined;
  return {
    dns: entry.domainLookupEnd - entry.domainLookupStart, connect: entry.connectEnd - entry.connectStart,
    tls: entry.secureConnectionStart ? entry.connectEnd - entry.secureConnectionStart : 0,
    wait: entry.responseStart - entry.requestStart, protocol: entry.nextHopProtocol,
  };
}

// headerLines reads the lines of the form.
function headerLines(text) {
  const lines = text.split('\n').map((line) => line.trim()).filter(Boolean);
  return lines.map((line) => {
    const colon = line.indexOf(':');
    if (colon < 1) throw new Error(`“${line}” is no header: write NAME: VALUE.`);
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
}

// run goes the way once.
async function run(order) {
  const begun = await ask('begin', { url: order.url, method: order.method, headers: order.headers.map((pair) => pair.join(': ')), credentials: order.credentials });
  const credentials = order.credentials ? 'include' : 'omit';
  // The name of the probe is a new one, so that the browser's resolver has to ask for it. What answers there does not matter.
  const probing = begun.probe && send(`https://${begun.probe}/`, { mode: 'no-cors', credentials: 'omit' }, probePatience);
  let headers;
  try {
    headers = new Headers(order.headers);
    new Request(begun.url, { method: order.method, headers });
  } catch (error) {
    throw new Error(`The browser does not take it as a request: ${error.message}`);
  }
  const url = new URL(begun.url).href;
  performance.clearResourceTimings();
  const seen = { id: begun.id };
  seen.cors = await send(url, { method: order.method, mode: 'cors', credentials, headers });
  seen.timing = timing(url);
  if (!seen.cors.ok) seen.opaque = await send(url, { mode: 'no-cors', credentials });
  if (probing) {
    await probing;
    seen.probed = true;
  }
  return ask('seen', seen);
}

const words = { ok: 'passed', deny: 'refused', error: 'failed', fail: 'failed', timeout: 'no answer in time', shadowed: 'would be refused' };

// looks is the mark and colour of a step's verdict.
function looks({ verdict }) {
  if (verdict === 'ok') return ['✓', 'good'];
  if (['deny', 'error', 'fail', 'timeout'].includes(verdict)) return ['✗', 'bad'];
  if (verdict === 'unknown') return ['?', 'none'];
  return ['–', 'none'];
}

function showStep(step) {
  const [mark, kind] = looks(step);
  const body = element('div');
  const how = step.evidence && step.evidence !== 'seen' && step.side !== 'nobody' ? `${step.side}, ${step.evidence}` : step.side;
  const head = element('p', 'head', `${step.title} `, element('span', 'side', `${words[step.verdict] ?? step.verdict}${step.side === 'nobody' ? '' : ` · ${how}`}${step.ms ? ` · ${step.ms < 10 ? step.ms.toFixed(1) : Math.round(step.ms)} ms` : ''}`));
  body.append(head, element('p', '', step.flag ? `${step.flag} ` : '', step.sentence));
  for (const note of step.notes ?? []) body.append(element('p', 'quiet', note));
  if (step.where) body.append(element('p', 'quiet', 'At: ', element('code', '', step.where)));
  if (step.fix && kind === 'bad') body.append(element('p', 'quiet', 'Fix: ', step.fix));
  const sign = element('span', 'mark', mark);
  sign.setAttribute('aria-hidden', 'true');
  return element('li', `step ${kind}`, sign, body);
}

function show(answer) {
  $('verdict').textContent = answer.sentence;
  $('verdict').className = answer.well ? 'good' : 'bad';
  const facts = [];
  const fact = (name, ...value) => facts.push(element('dt', '', name), element('dd', '', ...value));
  fact('Request', element('code', '', `${answer.method} ${answer.url}`));
  if (answer.reason) fact('Reason', element('code', '', `${answer.flag} ${answer.reason}`));
  if (answer.where) fact('At', element('code', '', answer.where));
  if (answer.fix) fact('Fix', answer.fix);
  if (answer.journey) fact('Record', element('code', '', `roundtrip journey ${answer.journey.slice(0, 12)}`));
  $('facts').replaceChildren(...facts);
  $('steps').replaceChildren(...answer.steps.map(showStep));
  $('unknown').replaceChildren(...(answer.unknown ?? []).map((text) => element('li', '', text)));
  $('answer').hidden = false;
  $('answer').focus();
}

function say(text, kind = '') {
  $('state').textContent = text;
  $('state').className = kind;
}

$('ask').addEventListener('submit', async (event) => {
  event.preventDefault();
  $('try').disabled = true;
  $('answer').hidden = true;
  say('Trying…');
  try {
    const order = { url: $('url').value.trim(), method: $('method').value.trim().toUpperCase(), credentials: $('credentials').checked, headers: headerLines($('headers').value) };
    show(await run(order));
    say('');
  } catch (error) {
    say(error.message, 'problem');
  }
  $('try').disabled = false;
});

// A link can fill in the form. It never sends anything by itself: a link must not make requests in somebody's name.
const given = new URLSearchParams(location.search);
$('url').value = given.get('url') ?? '';
$('method').value = given.get('method') ?? 'GET';
$('origin').textContent = location.origin;
if (given.has('ticket')) { // it was for this one visit
  given.delete('ticket');
  history.replaceState(null, '', given.size ? `?${given}` : location.pathname);
}
