// Likes and follows: records that say no more than "this person, that thing". What is pressed is shown at once. If the
// server refuses, it is taken back and said why; if it can't be reached, it is kept until it can, also over a reload.
import { effect, signal } from '@preact/signals';
import { explain, isNetwork, me, rt, status, statusOf } from './api';
import { notice } from './ui';

class Marks {
  private ids = new Map<string, string>(); // thing -> the record's id, as the server has it
  private wanted = new Map<string, boolean>(); // thing -> what was pressed and is not confirmed yet
  private known = new Set<string>(); // things that were asked for
  private complete = false; // whether ids has all there are
  private busy = new Set<string>();
  private turn = signal(0); // grows with each change, so that what is shown follows

  constructor(
    private collection: 'likes' | 'follows',
    private by: 'user' | 'follower',
    private of: 'photo' | 'followee',
    private refused: string,
  ) {}

  private get records() {
    return rt.collection<string>(this.collection);
  }

  private get key() {
    return `${this.collection} of ${me.value?.account.id}`;
  }

  // start follows what an account has marked, in this tab and on other devices. It returns what ends that.
  start(account: string) {
    this.wanted = new Map(JSON.parse(localStorage.getItem(this.key) ?? '[]'));
    const feed = this.records.watch({ where: { [this.by]: account }, order_by: 'id desc', page_size: 200 });
    const stop = feed.on((state) => {
      for (const change of state.changes) {
        const thing = (change.type === 'put' ? change.record : change.before)[this.of];
        if (change.type === 'put') this.ids.set(thing, change.id);
        else if (this.ids.get(thing) === change.id) this.ids.delete(thing);
      }
      this.complete = !state.more;
      this.turn.value++;
    }, () => {});
    return () => {
      stop();
      feed.stop();
      for (const kept of [this.ids, this.wanted, this.known, this.busy]) kept.clear();
      this.turn.value++;
    };
  }

  // ask makes sure that it is known which of some things are marked: the feed has the newest 200 only.
  async ask(things: string[]) {
    const open = things.filter((thing) => !this.known.has(thing));
    if (!me.value || this.complete || !open.length) return;
    open.forEach((thing) => this.known.add(thing));
    const filter = `${this.of} in [${open.slice(0, 100).map((thing) => `"${thing}"`).join(', ')}]`;
    const page = await this.records.list({ where: { [this.by]: me.value.account.id }, filter, page_size: 100 }).catch(() => null);
    page?.records.forEach((record) => this.ids.set(record[this.of], record.id));
    this.turn.value++;
  }

  has(thing: string) {
    void this.turn.value;
    return this.wanted.get(thing) ?? this.ids.has(thing);
  }

  // waiting is how many presses are kept back.
  get waiting() {
    void this.turn.value;
    return this.wanted.size;
  }

  // toggle marks a thing, or takes the mark away. False is answered if the server refused.
  async toggle(thing: string) {
    this.want(thing, !this.has(thing));
    return this.send(thing);
  }

  // flush sends what was kept back.
  flush() {
    for (const thing of this.wanted.keys()) void this.send(thing);
  }

  private want(thing: string, on: boolean | undefined) {
    if (on === undefined) this.wanted.delete(thing);
    else this.wanted.set(thing, on);
    localStorage.setItem(this.key, JSON.stringify([...this.wanted]));
    this.turn.value++;
  }

  // send brings the server to what is wanted, one request at a time, until nothing differs.
  private async send(thing: string) {
    if (this.busy.has(thing)) return true;
    this.busy.add(thing);
    try {
      for (let on = this.wanted.get(thing); on !== undefined && on !== this.ids.has(thing); on = this.wanted.get(thing)) {
        if (on) this.ids.set(thing, await this.create(thing));
        else await this.remove(thing);
      }
      this.want(thing, undefined);
      return true;
    } catch (error) {
      if (isNetwork(error)) return true; // kept: flush tries again
      this.want(thing, undefined);
      notice(`${this.refused}: ${explain(error)}`);
      return false;
    } finally {
      this.busy.delete(thing);
    }
  }

  private async create(thing: string): Promise<string> {
    try {
      return (await this.records.create({ [this.of]: thing })).id;
    } catch (error) {
      if (statusOf(error) !== 409) throw error; // 409: it is marked already, on another device
      const page = await this.records.list({ where: { [this.by]: me.value!.account.id, [this.of]: thing } });
      if (!page.records[0]) throw error;
      return page.records[0].id;
    }
  }

  private async remove(thing: string) {
    try {
      await this.records.delete(this.ids.get(thing)!);
    } catch (error) {
      if (statusOf(error) !== 404) throw error; // 404: it is gone already
    }
    this.ids.delete(thing);
  }
}

export const likes = new Marks('likes', 'user', 'photo', 'Your like was not kept');
export const follows = new Marks('follows', 'follower', 'followee', 'That was not kept');

// Who signs in brings their marks; what was kept back is sent when the server can be reached again.
let stop = () => {};
let account: string | undefined;
effect(() => {
  const now = me.value?.account.id;
  if (now === account) return;
  account = now;
  stop();
  const ends = now ? [likes.start(now), follows.start(now)] : [];
  stop = () => ends.forEach((end) => end());
});
const flush = () => [likes, follows].forEach((marks) => marks.flush());
effect(() => {
  if (status.value === 'live') flush();
});
addEventListener('online', flush);
