// The gallery's page: a router over the part of the address behind #, and one function for each view.
import { call, file, list, resume, session, signIn, signOut, signUp } from './api.js';
import { ago, complain, h, icon, notice, plural } from './dom.js';
import { likeButton, ownLikes } from './like.js';

const main = document.getElementById('main');
const nav = document.getElementById('nav');

// ── pieces ──────────────────────────────────────────────────────────────────────────────────────

const personLink = (user) => `#/people/${user.handle}`;

function face(user, size = 64) {
  if (user?.avatar) return h('img', { class: 'face', src: file('users', user, 'avatar', size), alt: '', width: size, height: size });
  return h('span', { class: 'face', 'aria-hidden': 'true' }, (user?.handle ?? '?')[0].toUpperCase());
}

// by names who made something, with their face.
function by(user) {
  if (!user) return h('span', { class: 'by' }, face(user), 'somebody');
  return h('a', { class: 'by', href: personLink(user) }, face(user), h('strong', {}, user.handle));
}

// picture shows a photo. Width and height come from the record, so nothing moves when the picture arrives.
function picture(photo, sizes, eager) {
  return h('img', {
    src: file('photos', photo, 'image', 320),
    srcset: `${file('photos', photo, 'image', 320)} 320w, ${file('photos', photo, 'image', 1080)} 1080w`,
    sizes, width: photo.image.width, height: photo.image.height,
    alt: photo.caption || 'a photo without a caption',
    loading: eager ? 'eager' : 'lazy', decoding: 'async', fetchpriority: eager ? 'high' : undefined,
  });
}

function card(photo, like, index) {
  const author = photo.expand?.author;
  return h('article', { class: 'card' },
    h('header', {}, by(author), photo.private && h('span', { class: 'private' }, icon('lock'), 'private'), ago(photo.create_time)),
    h('a', { class: 'frame', href: `#/photo/${photo.id}` }, picture(photo, '(min-width: 72rem) 23rem, (min-width: 46rem) 46vw, 100vw', index < 3)),
    h('footer', {},
      likeButton(photo, like),
      h('a', { class: 'action', href: `#/photo/${photo.id}`, 'aria-label': plural(photo.comments ?? 0, 'comment') }, icon('talk'), String(photo.comments ?? 0)),
      h('p', { class: 'caption' }, photo.caption ?? '')));
}

// ── lists that go on ────────────────────────────────────────────────────────────────────────────

// endless makes a list that fills itself page by page: when its button comes near the screen, or is pressed. before is
// asked once for each page of records; what it returns is handed to each.
function endless({ collection, parameters, className, each, empty, before = async () => undefined }) {
  const items = h('ol', { class: className, 'aria-busy': 'true' });
  const more = h('button', { class: 'more', type: 'button' }, 'Show more');
  const element = h('div', { class: 'endless' }, items, more);
  let token = '';
  let busy = false;
  const load = async () => {
    if (busy) return;
    busy = true;
    items.setAttribute('aria-busy', 'true');
    try {
      const page = await list(collection, { ...parameters, page_token: token });
      const records = page[collection];
      const context = await before(records);
      const start = items.children.length;
      items.append(...records.map((record, i) => h('li', {}, each(record, context, start + i))));
      token = page.next_page_token ?? '';
      if (!token) {
        watcher.disconnect();
        more.remove();
        if (!items.children.length) element.append(h('p', { class: 'empty' }, empty));
      }
    } catch (problem) {
      watcher.disconnect(); // the button stays: pressing it tries again
      more.textContent = 'Try again';
      complain(problem, 'The list could not be read');
    }
    items.removeAttribute('aria-busy');
    busy = false;
  };
  const watcher = new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && load(), { rootMargin: '800px' });
  more.addEventListener('click', load);
  watcher.observe(more);
  const add = (node) => {
    element.querySelector('.empty')?.remove();
    items.append(h('li', {}, node));
  };
  return { element, add };
}

// ── views ───────────────────────────────────────────────────────────────────────────────────────

function feed() {
  const photos = endless({
    collection: 'photos', className: 'feed', empty: 'No photo yet. Share the first one.',
    parameters: { order_by: 'create_time desc', expand: 'author', page_size: 12 },
    before: ownLikes,
    each: (photo, likes, index) => card(photo, likes.get(photo.id), index),
  });
  return { title: 'Gallery', nodes: [h('h1', { class: 'unseen' }, 'The newest photos'), photos.element] };
}

async function photoPage(id) {
  const photo = await call('GET', `photos/${encodeURIComponent(id)}?expand=author`);
  const likes = await ownLikes([photo]);
  const author = photo.expand?.author;
  const mine = session.account?.id === photo.author;
  const comments = endless({
    collection: 'comments', className: 'comments', empty: 'Nobody has said anything yet.',
    parameters: { photo: id, order_by: 'create_time', expand: 'author', page_size: 50 },
    each: comment,
  });
  return {
    title: `${author?.handle ?? 'A photo'}: ${photo.caption || 'a photo'}`,
    nodes: [h('article', { class: 'photo' },
      h('div', { class: 'stage' }, picture(photo, '(min-width: 60rem) 60vw, 100vw', true)),
      h('div', { class: 'side' },
        h('header', {}, by(author), photo.private && h('span', { class: 'private' }, icon('lock'), 'private'), ago(photo.create_time)),
        h('h1', { class: 'caption' }, photo.caption || 'Without a caption'),
        h('div', { class: 'actions' }, likeButton(photo, likes.get(photo.id)),
          (mine || session.roles.includes('moderator')) && h('button', { class: 'quiet', type: 'button', onclick: () => removePhoto(photo) }, 'Delete photo')),
        h('h2', {}, 'Comments'),
        comments.element,
        commentForm(photo, comments.add)))],
  };
}

function comment(record) {
  const author = record.expand?.author;
  const item = h('div', { class: 'comment' }, by(author), h('p', {}, record.text), ago(record.create_time),
    session.account?.id === record.author && h('button', {
      class: 'quiet', type: 'button',
      onclick: async () => {
        try {
          await call('DELETE', `comments/${record.id}`);
          item.closest('li').remove();
        } catch (problem) {
          complain(problem, 'The comment is still there');
        }
      },
    }, 'Delete'));
  return item;
}

function commentForm(photo, add) {
  if (!session.account) return h('p', { class: 'fine' }, h('a', { href: '#/sign-in' }, 'Sign in'), ' to say something.');
  return form({
    className: 'say', action: 'Send',
    fields: [{ name: 'text', label: 'Your comment', required: true, maxlength: 1000, autocomplete: 'off' }],
    submit: async ({ text }, element) => {
      const made = await call('POST', 'comments', { photo: photo.id, text });
      add(comment({ ...made, expand: { author: session.account } }));
      element.reset();
    },
  });
}

async function removePhoto(photo) {
  if (!confirm('Delete this photo, its likes and its comments?')) return;
  try {
    await call('DELETE', `photos/${photo.id}`);
    location.hash = '#/';
    notice('The photo is gone.');
  } catch (problem) {
    complain(problem, 'The photo is still there');
  }
}

async function profile(handle) {
  const found = await list('users', { handle, page_size: 1 });
  const user = found.users[0];
  if (!user) return missing();
  const self = session.account?.id === user.id;
  const photos = endless({
    collection: 'photos', className: 'tiles', empty: `${user.name || user.handle} has not shared a photo yet.`,
    parameters: { author: user.id, order_by: 'create_time desc', page_size: 24 },
    each: (photo) => h('a', { class: 'tile', href: `#/photo/${photo.id}` }, picture(photo, '(min-width: 60rem) 20rem, 33vw'),
      h('span', { class: 'over', 'aria-hidden': 'true' }, icon('heart'), String(photo.likes ?? 0), photo.private && icon('lock'))),
  });
  return {
    title: `${user.name || user.handle} (@${user.handle})`,
    nodes: [
      h('header', { class: 'profile' }, face(user, 256),
        h('div', {}, h('h1', {}, user.name || user.handle), h('p', { class: 'fine' }, `@${user.handle}`), await followers(user, self))),
      photos.element],
  };
}

// followers is how many there are, with a button to become one of them.
async function followers(user, self) {
  let count = user.followers ?? 0;
  const text = h('span', {}, plural(count, 'follower'));
  if (!session.account || self) return h('p', { class: 'followers' }, text);
  let own = (await list('follows', { follower: session.account.id, followee: user.id })).follows[0];
  const button = h('button', { type: 'button', class: own ? '' : 'strong', 'aria-pressed': String(Boolean(own)) }, own ? 'Following' : 'Follow');
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      if (own) await call('DELETE', `follows/${own.id}`);
      const made = own ? undefined : await call('POST', 'follows', { followee: user.id });
      count += made ? 1 : -1;
      own = made;
      text.textContent = plural(count, 'follower');
      button.textContent = own ? 'Following' : 'Follow';
      button.className = own ? '' : 'strong';
      button.setAttribute('aria-pressed', String(Boolean(own)));
    } catch (problem) {
      complain(problem, 'Nothing has changed');
    }
    button.disabled = false;
  });
  return h('p', { class: 'followers' }, text, button);
}

// ── forms ───────────────────────────────────────────────────────────────────────────────────────

// form makes a form whose submit may throw a Problem: what it says of a field is shown at that field.
function form({ className = 'form', title, intro, fields, action, submit, foot }) {
  const inputs = fields.map(({ label, hint, ...attributes }) => {
    const id = `f-${attributes.name}`;
    const input = h('input', { id, type: 'text', 'aria-describedby': `${id}-note`, ...attributes });
    const note = h('span', { class: 'note', id: `${id}-note` }, hint ?? '');
    const text = h('label', { for: id }, label);
    const row = attributes.type === 'checkbox' ? [h('span', { class: 'check' }, input, text)] : [text, input];
    return { input, note, hint: hint ?? '', row: h('div', { class: 'field' }, row, note) };
  });
  const button = h('button', { class: 'strong', type: 'submit' }, action);
  const wrong = h('p', { class: 'wrong', role: 'alert' });
  const element = h('form', { class: className, novalidate: true }, title && h('h1', {}, title), intro, inputs.map((i) => i.row), wrong, button, foot);
  element.addEventListener('submit', async (event) => {
    event.preventDefault();
    wrong.textContent = '';
    for (const { input, note, hint } of inputs) {
      input.removeAttribute('aria-invalid');
      note.textContent = hint;
    }
    const bad = inputs.find(({ input }) => !input.checkValidity());
    if (bad) {
      mark(bad, bad.input.validity.patternMismatch ? bad.hint : bad.input.validationMessage);
      bad.input.focus();
      return;
    }
    button.disabled = true;
    try {
      await submit(Object.fromEntries(new FormData(element)), element);
    } catch (problem) {
      show(problem);
    }
    button.disabled = false;
  });
  const mark = (field, text) => {
    field.input.setAttribute('aria-invalid', 'true');
    field.note.textContent = text;
  };
  const show = (problem) => {
    let first;
    for (const error of problem.errors ?? []) {
      const field = inputs.find(({ input }) => error.pointer === `/${input.name}`);
      if (!field) continue;
      mark(field, error.detail);
      first ??= field.input;
    }
    wrong.textContent = problem.message;
    if (problem.journey) wrong.append(h('span', { class: 'fine' }, ` (journey ${problem.journey})`));
    first?.focus();
  };
  return element;
}

const handleField = { name: 'handle', label: 'Handle', required: true, autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false' };

// enter goes on as the one who has just signed in or out.
async function enter(hash = '#/') {
  showAccount();
  if (location.hash === hash) await show();
  else location.hash = hash;
}

function signInPage() {
  return {
    title: 'Sign in',
    nodes: [form({
      title: 'Welcome back', action: 'Sign in',
      fields: [handleField, { name: 'password', label: 'Password', type: 'password', required: true, autocomplete: 'current-password' }],
      submit: async ({ handle, password }) => {
        await signIn(handle, password);
        await enter();
      },
      foot: h('p', { class: 'fine' }, 'New here? ', h('a', { href: '#/sign-up' }, 'Make an account')),
    })],
  };
}

function signUpPage() {
  return {
    title: 'Make an account',
    nodes: [form({
      title: 'Make an account', action: 'Sign up',
      fields: [
        { ...handleField, hint: '3 to 30 small letters, digits, dots or underscores', pattern: '[a-z0-9_.]{3,30}' },
        { name: 'name', label: 'Name', maxlength: 80, autocomplete: 'name' },
        { name: 'password', label: 'Password', type: 'password', required: true, minlength: 10, autocomplete: 'new-password', hint: 'at least 10 characters' },
      ],
      submit: async (account) => {
        await signUp(account);
        await enter();
      },
      foot: h('p', { class: 'fine' }, 'Already one of us? ', h('a', { href: '#/sign-in' }, 'Sign in')),
    })],
  };
}

function sharePage() {
  if (!session.account) return signInPage();
  const preview = h('canvas', { class: 'preview', width: 4, height: 3, role: 'img', 'aria-label': 'No picture chosen yet' });
  const element = form({
    title: 'Share a photo', action: 'Share', intro: preview,
    fields: [
      { name: 'image', label: 'Picture', type: 'file', accept: 'image/jpeg,image/png,image/webp', required: true, hint: 'JPEG, PNG or WebP, up to 10 MB' },
      { name: 'caption', label: 'Caption', maxlength: 2200, autocomplete: 'off' },
      { name: 'private', label: 'Only for people who follow me', type: 'checkbox', value: 'true' },
    ],
    submit: async (_, form) => {
      const body = new FormData(form); // caption, image and, where it is ticked, private: as the API wants them
      const photo = await call('POST', 'photos', body);
      location.hash = `#/photo/${photo.id}`;
      notice('Your photo is shared.');
    },
  });
  element.querySelector('[name=image]').addEventListener('change', (event) => draw(preview, event.target.files[0]));
  return { title: 'Share a photo', nodes: [element] };
}

// draw shows a chosen file on a canvas: unlike an address made with createObjectURL, that needs nothing of a strict CSP.
async function draw(canvas, chosen) {
  canvas.classList.remove('shown');
  if (!chosen) return;
  try {
    const image = await createImageBitmap(chosen);
    const scale = Math.min(1, 900 / image.width);
    canvas.width = Math.round(image.width * scale);
    canvas.height = Math.round(image.height * scale);
    canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.setAttribute('aria-label', `Preview of ${chosen.name}`);
    canvas.classList.add('shown');
  } catch {
    notice(`${chosen.name} is no picture that this browser can show.`);
  }
}

const missing = () => ({ title: 'Not here', nodes: [h('p', { class: 'empty' }, 'There is nothing here, or it is not for you to see. ', h('a', { href: '#/' }, 'Back to the photos'))] });

// ── the frame ───────────────────────────────────────────────────────────────────────────────────

function showAccount() {
  const { account } = session;
  nav.replaceChildren(...(account
    ? [
      h('a', { class: 'button strong', href: '#/share' }, icon('plus'), h('span', { class: 'wide' }, 'Share'), h('span', { class: 'unseen narrow' }, 'Share a photo')),
      h('a', { class: 'by', href: personLink(account) }, face(account), h('span', { class: 'wide' }, account.handle), h('span', { class: 'unseen narrow' }, 'Your profile')),
      h('button', { class: 'quiet', type: 'button', onclick: leave }, 'Sign out'),
    ]
    : [h('a', { class: 'button', href: '#/sign-in' }, 'Sign in'), h('a', { class: 'button strong', href: '#/sign-up' }, 'Sign up')]));
}

async function leave() {
  try {
    await signOut();
    await enter();
  } catch (problem) {
    complain(problem, 'You are still signed in');
  }
}

const views = [
  [/^#?\/?$/, feed],
  [/^#\/photo\/([^/]+)$/, photoPage],
  [/^#\/people\/([^/]+)$/, profile],
  [/^#\/sign-in$/, signInPage],
  [/^#\/sign-up$/, signUpPage],
  [/^#\/share$/, sharePage],
];

// The feed is kept while something else is looked at, so that going back finds it as it was left.
const kept = { nodes: null, scroll: 0, account: null };
let shown = null; // the hash of what is on the screen
let turn = 0;

async function show() {
  const hash = location.hash;
  const mine = ++turn;
  const home = views[0][0].test(hash);
  if (shown !== null && views[0][0].test(shown)) Object.assign(kept, { nodes: [...main.childNodes], scroll: scrollY, account: session.account });
  const back = home && shown !== null && !views[0][0].test(shown) && kept.nodes && kept.account === session.account;
  let view;
  if (back) {
    view = { title: 'Gallery', nodes: kept.nodes };
  } else {
    const [pattern, make] = views.find(([pattern]) => pattern.test(hash)) ?? [/$/, missing];
    try {
      view = await make(...(hash.match(pattern)?.slice(1).map(decodeURIComponent) ?? []));
    } catch (problem) {
      if (problem.status !== 404) complain(problem, 'This could not be shown');
      view = missing();
    }
  }
  if (mine !== turn) return; // somebody went on in the meantime
  document.title = view.title;
  main.replaceChildren(...view.nodes);
  scrollTo(0, back ? kept.scroll : 0);
  if (shown !== null) main.focus({ preventScroll: true });
  shown = hash;
}

history.scrollRestoration = 'manual';
addEventListener('hashchange', () => location.hash !== '#main' && show());
try {
  await resume();
} catch (problem) {
  complain(problem, 'Who you are could not be asked');
}
showAccount();
await show();
