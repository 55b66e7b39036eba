// Making elements, and saying times and counts.

// h('a', { href: '#/', class: 'brand', onclick: f }, 'text', child, …) makes an element. Text is always text, never HTML.
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

const paths = {
  heart: 'M12 20.5S3.5 15.4 3.5 9.2A4.7 4.7 0 0 1 12 6.4a4.7 4.7 0 0 1 8.5 2.8c0 6.2-8.5 11.3-8.5 11.3z',
  talk: 'M4 5.5h16v11H11l-4.5 3.5v-3.5H4z',
  lock: 'M6 11h12v8.5H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  plus: 'M12 5v14M5 12h14',
};

// icon makes one of the line drawings above; what it means must be said in words beside it.
export function icon(name) {
  const ns = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(ns, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', `icon icon-${name}`);
  svg.append(document.createElementNS(ns, 'path'));
  svg.firstChild.setAttribute('d', paths[name]);
  return svg;
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const units = [['year', 31536000], ['month', 2592000], ['week', 604800], ['day', 86400], ['hour', 3600], ['minute', 60]];

// ago makes a <time> that says how long ago it was.
export function ago(text) {
  const then = new Date(text);
  const seconds = (then - Date.now()) / 1000;
  const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= length) ?? [];
  return h('time', { datetime: text, title: then.toLocaleString() }, unit ? relative.format(Math.round(seconds / length), unit) : 'just now');
}

export const plural = (n, one, many = `${one}s`) => `${n.toLocaleString('en')} ${n === 1 ? one : many}`;

// notice shows a message for a while, and reads it to those who listen.
export function notice(text, more = []) {
  const box = h('div', { class: 'notice' }, h('p', {}, text), more.map((line) => h('p', { class: 'fine' }, line)),
    h('button', { class: 'close', 'aria-label': 'Close this message', onclick: () => box.remove() }, '×'));
  const notices = document.getElementById('notices');
  notices.append(box);
  while (notices.children.length > 3) notices.firstChild.remove();
  setTimeout(() => box.remove(), 12000);
}

// complain shows an error of api.js as it is: what the server said, and the journey to look it up by.
export function complain(problem, during) {
  notice(`${during}: ${problem.message}`, problem.journey ? [`journey ${problem.journey}`] : []);
}
