// The operator's page against the real server: by keyboard, live, filtered, compared, and who may come in.
import assert from 'node:assert/strict';
import https from 'node:https';
import { after, before, test } from 'node:test';
import { openHouse, shoot } from './house.js';

let house, visitor, owner, journeys;
before(async () => {
  house = await openHouse();
  visitor = await house.person(null);
  owner = await house.operator();
  await traffic();
  journeys = await ask('/api/journeys?kinds=request&n=500').then((a) => a.journeys);
});
after(() => house.close());

const ask = (path) => owner.evaluate(async (p) => (await fetch(p)).json(), path);
const request = (method, path, body) => visitor.evaluate(async ([m, p, b]) => (await fetch(p, { method: m, headers: b ? { 'Content-Type': 'application/json' } : {}, body: b })).status, [method, path, body]);
const journeyOf = (reason) => journeys.find((j) => j.reason === reason);

// traffic is some of everything: what passes, what is not there, who is a stranger, and a page of elsewhere that asks whether
// it may write. It ends when the recorder has all of it.
async function traffic() {
  for (const path of ['/', '/api/photos', '/api/photos?page_size=3', '/api/nothing', '/wp-login.php', '/api/photos?filter=nope']) await request('GET', path);
  await request('POST', '/api/comments', '{"text":"hello"}');
  await preflight('https://shop.example');
  await owner.waitForFunction(async () => (await (await fetch('/api/journeys?reason=cors')).json()).journeys.length > 0);
}

// preflight asks as a browser would for a page of that origin, which Chromium itself would not do from a page of the tests.
const preflight = (origin) => new Promise((resolve, reject) => {
  https.request({
    host: '127.0.0.1', port: house.server.port, servername: 'gallery.localhost', rejectUnauthorized: false, method: 'OPTIONS', path: '/api/photos',
    headers: { Host: `gallery.localhost:${house.server.port}`, Origin: origin, 'Access-Control-Request-Method': 'POST' },
  }, (answer) => answer.resume().on('end', resolve)).on('error', reject).end();
});

// settled waits until a page has what it shows.
const settled = (page) => page.waitForFunction(() => document.querySelector('main h1') && !document.querySelector('main [aria-busy=true]'));

test('by keyboard alone', async () => {
  const page = await house.operator();
  await page.goto('/');
  await settled(page);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'To the content');
  await page.keyboard.press('g');
  await page.keyboard.press('j');
  await page.waitForURL('**/journeys');
  await settled(page);
  await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  const first = await page.evaluate(() => document.activeElement.getAttribute('href'));
  assert.match(first, /^\/journeys\/[0-9a-f]{32}/);
  await page.keyboard.press('Enter');
  await page.waitForURL(`**${first}`);
  await page.getByRole('heading', { name: 'Where the time went' }).waitFor();
  await page.keyboard.press('m');
  await page.getByRole('heading', { name: 'The way it went' }).waitFor();
  await page.keyboard.press('ArrowRight');
  await page.getByText('Station 1 of 10').waitFor();
  await page.keyboard.press('u');
  await page.waitForURL('**/journeys');
  await page.keyboard.press('/');
  await page.keyboard.type('404');
  await page.waitForURL('**/journeys?q=404');
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.deepEqual(page.failures, []);
  await page.context().close();
});

test('the filter stands in the address, and narrows the list', async () => {
  const page = await house.operator();
  await page.goto('/journeys');
  await settled(page);
  await page.getByRole('button', { name: 'auth.missing' }).click();
  await page.waitForURL('**/journeys?reason=auth.missing');
  await page.waitForFunction(() => document.querySelectorAll('main tbody tr').length === [...document.querySelectorAll('main tbody .because')].filter((e) => e.textContent.startsWith('AMI')).length);
  await page.reload();
  await settled(page);
  await page.getByRole('button', { name: 'auth.missing', pressed: true }).waitFor();
  await page.context().close();
});

test('two journeys are compared', async () => {
  const page = await house.operator();
  const [a, b] = [journeys.find((j) => j.path === '/api/photos' && j.status === 200), journeyOf('auth.missing')];
  await page.goto(`/journeys/${a.id}`);
  await page.getByRole('button', { name: 'Compare with …' }).click();
  await page.goto(`/journeys/${b.id}`);
  await page.getByRole('button', { name: `Compare with ${a.id.slice(0, 8)}` }).click();
  await page.waitForURL(`**/journeys/${a.id}/diff/${b.id}`);
  await page.getByText('Both ran with the same declaration').waitFor();
  await page.getByRole('table', { name: 'Hops' }).waitFor();
  await page.context().close();
});

test('why: a page of elsewhere may not call, and the answer names station, fix and line', async () => {
  const page = await house.operator();
  await page.goto('/why');
  await page.getByLabel('Address').fill(`https://gallery.localhost:${house.server.port}/api/photos`);
  await page.getByLabel('Method').selectOption('POST');
  await page.getByLabel('Origin').fill('https://shop.example');
  await page.getByLabel('Headers').fill('Content-Type: application/json');
  await page.getByRole('button', { name: 'Find out why' }).click();
  const answer = page.getByRole('note');
  await answer.getByText('Stopped at', { exact: false }).waitFor();
  const words = await answer.innerText();
  assert.match(words, /Pages of https:\/\/shop\.example may not call this site/);
  assert.match(words, /Fix:[\s\S]*origins: \[.*, https:\/\/shop\.example\]/, 'the line as it should be, to be copied');
  await answer.getByRole('link', { name: 'cors.origin_not_allowed' }).waitFor();
  await answer.getByRole('button', { name: /roundtrip\.yaml:\d+:\d+/ }).waitFor();
  const steps = page.getByRole('list', { name: 'Steps' }).getByRole('listitem');
  assert.match((await steps.allInnerTexts()).join('\n'), /dns[\s\S]*tcp[\s\S]*tls[\s\S]*both sides/);
  await shoot(page, 'console-why-refused');
  await page.getByRole('button', { name: 'The server’s record' }).click();
  await page.getByRole('note').getByText('Stopped at CORS').waitFor();
  assert.deepEqual(page.failures, []);
  await page.context().close();
});

test('why: what works is said to work, what is not there is named', async () => {
  const page = await house.operator();
  await page.goto(`/why?${new URLSearchParams({ url: `https://gallery.localhost:${house.server.port}/api/photos` })}`);
  await page.getByRole('button', { name: 'Find out why' }).click();
  await page.getByRole('note').getByText('It works').waitFor();
  await page.getByLabel('Address').fill(`https://gallery.localhost:${house.server.port}/api/nothing`);
  await page.getByRole('button', { name: 'Find out why' }).click();
  await page.getByRole('note').getByRole('link', { name: 'request.unknown_path' }).waitFor();
  await page.waitForURL('**/why?url=*nothing');
  assert.deepEqual(page.failures, []);
  await page.context().close();
});

test('a journey is pinned, found among the pinned, and let go', async () => {
  const page = await house.operator();
  const { id } = journeyOf('auth.missing');
  await page.goto(`/journeys/${id}`);
  await page.getByRole('button', { name: 'Pin', exact: true }).click();
  await page.getByRole('article').getByRole('button', { name: 'Pinned', pressed: true }).waitFor();
  await page.goto('/journeys?kept=pinned');
  await page.locator(`main a[href^="/journeys/${id}"]`).click();
  await page.getByRole('article').getByRole('button', { name: 'Pinned' }).click();
  await page.getByRole('article').getByRole('button', { name: 'Pin', exact: true }).waitFor();
  assert.equal((await ask('/api/journeys?kept=pinned')).journeys.length, 0);
  assert.deepEqual((await ask('/api/audit?n=2')).entries.map((e) => [e.what, e.target]), [['journey.unpin', id], ['journey.pin', id]]);
  assert.deepEqual(page.failures, []);
  await page.context().close();
});

test('the colours are the reader’s, and stay', async () => {
  const page = await house.operator();
  await page.goto('/');
  await page.getByRole('button', { name: 'Dark' }).click();
  assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), 'dark');
  await page.reload();
  await page.getByRole('button', { name: 'Dark', pressed: true }).waitFor();
  await page.context().close();
});

test('a link lets one person in, once, as what it says', async () => {
  const page = await house.operator();
  await page.goto('/operators');
  await page.getByRole('button', { name: 'Invite' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Viewer' }).click();
  await page.getByRole('button', { name: 'Make a link' }).click();
  const link = await page.getByRole('dialog').locator('pre').innerText();
  await page.context().close();

  const guest = await house.operator({ state: { cookies: [], origins: [] } });
  await guest.goto(link);
  await guest.getByLabel('Name').fill('vera');
  await guest.getByLabel('Password').fill('a long enough sentence');
  await guest.getByRole('button', { name: 'Come in' }).click();
  await guest.getByText('viewer', { exact: true }).first().waitFor();
  assert.equal(await guest.evaluate(() => location.hash), '', 'the token stays in no address');
  const words = await guest.getByRole('navigation', { name: 'Pages', exact: true }).innerText();
  assert.match(words, /Journeys/);
  assert.doesNotMatch(words, /Why|Data|People|Operators|Audit/); // what the server would refuse
  await guest.getByRole('button', { name: 'Sign out' }).click();
  await guest.getByRole('heading', { name: 'Sign in' }).waitFor();

  await guest.getByLabel('Name').fill('vera');
  await guest.getByLabel('Password').fill('not the password');
  await guest.getByRole('button', { name: 'Sign in' }).click();
  await guest.getByRole('alert').waitFor();
  await guest.goto('about:blank');
  await guest.goto(link);
  await guest.getByRole('heading', { name: 'This link does not open any more' }).waitFor();
  await guest.context().close();
});

test('what ends shows by itself; while the list is held, it waits and is counted', async () => {
  const page = await house.operator();
  await page.goto('/journeys');
  await page.getByText('Live', { exact: true }).waitFor();
  await request('GET', '/first-of-live');
  await page.getByRole('link', { name: '/first-of-live' }).waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  await request('GET', '/second-of-live');
  await page.getByRole('button', { name: '1 new one' }).waitFor();
  assert.equal(await page.getByRole('link', { name: '/second-of-live' }).count(), 0);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('link', { name: '/second-of-live' }).waitFor();
  assert.deepEqual(page.failures, []);
  await page.context().close();
});
