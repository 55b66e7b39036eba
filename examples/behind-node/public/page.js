// What the page does: it asks, listens, talks and uploads, and shows each time who answered.
const $ = (id) => document.getElementById(id);
const pids = {};

function meet({ name, pid }) {
  pids[name] = pid;
  $('kill').textContent = `kill -9 ${pids.amber ?? pids[name]}`;
}

// Who answers? Two questions a second.
const counts = { amber: 0, teal: 0, failed: 0 };
let paused = false;

function show(answer) {
  counts[answer] += 1;
  const dot = document.createElement('li');
  dot.className = answer;
  const dots = $('answers');
  dots.append(dot);
  if (dots.childElementCount > 60) dots.firstElementChild.remove();
  $('counts').textContent = `amber ${counts.amber}, teal ${counts.teal}, failed ${counts.failed}`;
}

async function ask() {
  if (paused || document.hidden) return;
  try {
    const answer = await fetch('/api/whoami', { cache: 'no-store' });
    if (!answer.ok) throw new Error(answer.status);
    const who = await answer.json();
    meet(who);
    show(who.name);
  } catch {
    show('failed');
  }
}
setInterval(ask, 500);
ask();
$('pause').addEventListener('click', () => {
  paused = !paused;
  $('pause').setAttribute('aria-pressed', paused);
  $('pause').textContent = paused ? 'Go on' : 'Pause';
});

// Server-sent events: the browser connects again by itself, and says which event was the last.
function named(element, name) {
  element.textContent = name;
  element.className = `who ${name}`;
}
let last = 0;
function listen() {
  const clock = new EventSource('/api/clock');
  clock.addEventListener('message', (event) => {
    const who = JSON.parse(event.data);
    meet(who);
    $('time').textContent = new Date(who.time).toLocaleTimeString();
    $('event').textContent = event.lastEventId;
    named($('teller'), who.name);
    last = Number(event.lastEventId);
  });
  // After an error status a browser does not try again by itself.
  clock.addEventListener('error', () => {
    if (clock.readyState !== EventSource.CLOSED) return;
    $('teller').textContent = `nobody since event ${last}`;
    setTimeout(listen, 1000);
  });
}
listen();

// A WebSocket, opened again when it closes.
let socket;
function hear(name, text) {
  const line = document.createElement('li');
  const who = document.createElement('b');
  named(who, name);
  line.append(who, ` ${text}`);
  $('heard').append(line);
  while ($('heard').childElementCount > 100) $('heard').firstElementChild.remove();
  line.scrollIntoView({ block: 'nearest' });
}
function connect(wait = 500) {
  socket = new WebSocket(new URL('/api/echo', location.href.replace(/^http/, 'ws')));
  socket.addEventListener('open', () => (wait = 500));
  socket.addEventListener('message', ({ data }) => {
    const { name, text } = JSON.parse(data);
    hear(name, text);
  });
  socket.addEventListener('close', ({ code }) => {
    if (wait === 500) hear('gone', `the connection was closed (${code})`);
    setTimeout(connect, wait, Math.min(wait * 2, 8000));
  });
}
connect();
$('say').addEventListener('submit', (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send($('text').value);
  $('text').value = '';
});

// Upload: the sum that the process makes of what came must be the one of what was sent.
$('file').addEventListener('change', async ({ target }) => {
  const [file] = target.files;
  if (!file) return;
  $('sum').textContent = `Sending ${file.size.toLocaleString()} bytes …`;
  try {
    const answer = await fetch('/api/upload', { method: 'POST', body: file, headers: { 'Content-Type': 'application/octet-stream' } });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const { name, bytes, sha256 } = await answer.json();
    const own = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
    const same = sha256 === Array.from(own, (b) => b.toString(16).padStart(2, '0')).join('');
    $('sum').textContent = `${name} got ${bytes.toLocaleString()} bytes, ${same ? 'the same' : 'NOT the same'} as were sent: ${sha256.slice(0, 16)}…`;
  } catch (error) {
    $('sum').textContent = `The upload failed: ${error.message}`;
  }
});
