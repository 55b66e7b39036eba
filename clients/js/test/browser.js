// Chromium, and the people who sit in front of it.

import { chromium } from 'playwright-core';
import { password } from './people.js';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
export const launch = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });

/** One person's browser. It counts the WebSockets that its tabs have open. */
export class Person {
  static async open(t, browser, server, handle) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    t.after(() => context.close());
    const one = new Person(context, server);
    one.first = await one.tab();
    await one.first.evaluate((account) => rt.auth.signUp(account), { handle, password });
    return one;
  }

  constructor(context, server) {
    this.server = server;
    this.context = context;
    this.sockets = new Set();
    this.opened = 0;
  }

  async tab(prepare) {
    const page = await this.context.newPage();
    page.on('websocket', (socket) => {
      this.opened++;
      this.sockets.add(socket);
      for (const thing of [socket, page]) thing.on('close', () => this.sockets.delete(socket));
    });
    if (prepare) await page.addInitScript(prepare);
    await page.goto(this.server.origin);
    await page.waitForFunction(() => globalThis.loaded);
    await page.evaluate(() => {
      globalThis.rt = createClient({ url: '/api/' });
      globalThis.told = []; // every change that a callback was called for
      globalThis.statuses = [];
      rt.status.on((value) => statuses.push(value));
    });
    return page;
  }
}
