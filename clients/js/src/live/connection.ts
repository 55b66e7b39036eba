// The connection: one transport after the other, and what each topic needs to go on.

import { RoundtripError } from '../error.js';
import { type Http, noAnswer, passing } from '../http.js';
import type { StatusValue } from '../types.js';
import type { Hub, Uplink } from './hub.js';
import type { Message } from './message.js';
import { openSocket, type Request, type Transport } from './socket.js';
import { openStreams } from './sse.js';
import type { Topic } from './topic.js';
import { unplugged, watch } from './wake.js';

// All in milliseconds.
const silence = 60_000; // nothing for so long: the connection is dead, since a heartbeat comes every 25 s
const pingPatience = 3_000;
const linger = 5_000; // a connection without topics is kept for so long
const firstPause = 200;
const busyPause = 1_000;
const longestPause = 20_000;
const settled = 10_000; // who was connected for so long starts again with short pauses
const firstProbe = 60_000; // server-sent events are left for another try of a WebSocket after this, then twice as long
const longestProbe = 3_600_000;

/** Connection keeps one transport open as long as there are topics. */
export class Connection implements Uplink {
  private state: 'idle' | 'opening' | 'open' | 'waiting' | 'paused' | 'stopped' = 'idle';
  private transport: Transport | undefined;
  private isSocket = false;
  private lastID = 0;
  /** Subscriptions and calls that wait for their answer, by id. */
  private readonly asked = new Map<number, Topic>();
  private readonly calls = new Map<number, { resolve(): void; reject(e: RoundtripError): void }>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private probe: ReturnType<typeof setTimeout> | undefined;
  private probeAfter = firstProbe;
  private heard = 0;
  private opened = 0;
  /** Whether the server has said anything on this transport. */
  private spoken = false;
  /** Attempts since a connection has settled. */
  private attempts = 0;
  /** Attempts since everything was there for the last time. */
  private failures = 0;
  /** Why there is no connection any more. */
  private over: RoundtripError | undefined;
  /** WebSockets in a row that could not be opened. */
  private socketFailures = 0;
  private readonly unwatch: () => void;

  constructor(
    private readonly hub: Hub,
    private readonly http: Http,
    private readonly Socket: typeof WebSocket | undefined,
  ) {
    this.unwatch = watch({ woken: () => this.check(), offline: () => this.show(), tick: () => this.tick() });
  }

  get paused(): boolean {
    return this.state === 'paused';
  }

  open(topic: Topic): void {
    topic.synced = false;
    const { over } = this;
    if (over) return queueMicrotask(() => over === this.over && topic.refuse(over)); // once its holder knows it
    if (this.state === 'open') this.subscribe(topic);
    else if (this.state === 'idle') this.connect();
    if (this.state === 'open' || this.state === 'opening') clearTimeout(this.timer); // that of linger
  }

  shut(topic: Topic): void {
    for (const [id, other] of this.asked) if (other === topic) this.asked.delete(id);
    if (this.state === 'open') this.transport!.send({ id: ++this.lastID, unsubscribe: topic.text });
    if (this.hub.topics.size === 0 && (this.state === 'open' || this.state === 'opening'))
      this.after(linger, () => this.rest());
    else if (this.hub.topics.size === 0 && this.state === 'waiting') this.rest();
    this.show();
  }

  send(topic: string, data: unknown): Promise<void> {
    return this.ask({ send: topic, data });
  }

  ack(cursor: string): void {
    if (this.state === 'open') this.transport!.send({ ack: cursor });
  }

  check(): void {
    this.show();
    if (this.state === 'waiting') return this.connect();
    if (this.state !== 'open' || Date.now() - this.heard < 1000) return;
    const transport = this.transport;
    const timer = setTimeout(() => this.transport === transport && this.lost(1006), pingPatience);
    void this.ask({ ping: true }).then(
      () => clearTimeout(timer),
      () => clearTimeout(timer),
    );
  }

  pause(): void {
    if (this.state === 'stopped') return;
    this.drop();
    this.state = 'paused';
  }

  resume(anew: boolean): void {
    this.over = undefined;
    if (anew) for (const topic of this.hub.topics.values()) topic.forget();
    this.drop();
    this.state = 'idle';
    this.attempts = this.failures = 0;
    if (this.hub.topics.size > 0) this.connect();
    else this.show();
  }

  stop(): void {
    this.unwatch();
    this.drop();
    this.state = 'stopped';
  }

  private connect(): void {
    clearTimeout(this.timer);
    this.state = 'opening';
    this.attempts++;
    this.isSocket = this.Socket !== undefined && this.socketFailures < 2;
    const events = {
      opened: () => this.transport === transport && this.ready(),
      message: (message: Message) => this.transport === transport && this.take(message),
      closed: (code: number, reason: string) => this.transport === transport && this.lost(code, reason),
    };
    const transport: Transport = this.isSocket
      ? openSocket(this.Socket!, this.http.url('live'), this.http.token, events)
      : openStreams(this.http, events);
    this.transport = transport;
    this.show();
  }

  private ready(): void {
    this.state = 'open';
    this.opened = this.heard = Date.now();
    this.spoken = false;
    if (this.isSocket) this.socketFailures = 0;
    else if (this.Socket) this.probe = setTimeout(() => this.tryAgain(), this.probeAfter);
    for (const topic of this.hub.topics.values()) this.subscribe(topic);
  }

  private subscribe(topic: Topic): void {
    const id = ++this.lastID;
    this.asked.set(id, topic);
    this.transport!.send({ id, subscribe: topic.text, cursor: topic.cursor });
  }

  private take(message: Message): void {
    this.heard = Date.now();
    this.spoken = true;
    const id = message.id ?? -1;
    const call = this.calls.get(id);
    const topic = this.asked.get(id);
    if (call) {
      this.calls.delete(id);
      if (message.error) call.reject(new RoundtripError(message.error));
      else call.resolve();
    } else if (topic) {
      this.asked.delete(id);
      this.answered(topic, message);
    } else {
      this.hub.receive(message);
    }
    if (this.asked.size === 0) this.failures = 0;
    this.show();
  }

  // A server that is busy is asked again; any other refusal is the topic's.
  private answered(topic: Topic, message: Message): void {
    const { error } = message;
    if (error && passing(new RoundtripError(error))) {
      setTimeout(
        () => {
          const waits = this.state === 'open' && !topic.synced && this.hub.topics.get(topic.text) === topic;
          if (waits && ![...this.asked.values()].includes(topic)) this.subscribe(topic);
        },
        busyPause * (1 + Math.random()),
      );
      return;
    }
    topic.synced = true;
    topic.apply(message);
  }

  private lost(code: number, reason = ''): void {
    const wasOpen = this.state === 'open';
    if (this.isSocket && !wasOpen) this.socketFailures++;
    if (!this.isSocket && !this.spoken) this.socketFailures = 0; // it is not the WebSocket that does not get through
    if (wasOpen && Date.now() - this.opened > settled) this.attempts = 0;
    this.failures++;
    this.drop();
    switch (code) {
      case 4401:
        this.state = 'stopped';
        this.hub.status.set('signed-out');
        return;
      case 4400:
      case 4403:
      case 1009:
        this.state = 'stopped';
        this.over = fatal(code, reason);
        this.hub.fail(this.over);
        break;
      case 4429:
        this.wait(30_000 + Math.random() * 10_000);
        break;
      case 1001:
      case 1012:
        this.wait(Math.random() * 5_000);
        break;
      default: {
        const atOnce = (code === 4100 || code === 4101) && this.attempts < 2;
        const longest = Math.min(longestPause, firstPause * 2 ** this.attempts);
        this.wait(atOnce ? 0 : firstPause + Math.random() * (longest - firstPause));
      }
    }
    this.show();
  }

  private wait(ms: number): void {
    this.state = 'waiting';
    if (this.hub.topics.size === 0) return this.rest();
    this.after(ms, () => this.connect());
  }

  private after(ms: number, then: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(then, ms);
  }

  private rest(): void {
    if (this.hub.topics.size > 0) return;
    this.drop();
    this.state = 'idle';
    this.show();
  }

  /** Ends the transport, and everything that waits for it. */
  private drop(): void {
    clearTimeout(this.timer);
    clearTimeout(this.probe);
    const transport = this.transport;
    this.transport = undefined;
    transport?.close();
    this.asked.clear();
    for (const topic of this.hub.topics.values()) topic.synced = false;
    const calls = [...this.calls.values()];
    this.calls.clear();
    for (const call of calls) call.reject(noAnswer());
  }

  private ask(request: Request): Promise<void> {
    if (this.state !== 'open') return Promise.reject(this.over ?? noAnswer());
    return new Promise((resolve, reject) => {
      const id = ++this.lastID;
      this.calls.set(id, { resolve, reject });
      this.transport!.send({ ...request, id });
    });
  }

  private tick(): void {
    if (this.state === 'open' && Date.now() - this.heard > silence) this.lost(1006);
  }

  // Server-sent events work; perhaps a WebSocket does by now.
  private tryAgain(): void {
    this.probeAfter = Math.min(longestProbe, 2 * this.probeAfter);
    this.socketFailures = 1;
    this.drop();
    this.connect();
  }

  private show(): void {
    const quiet = this.hub.topics.size === 0 || this.state === 'idle';
    if (this.state === 'paused' || (this.state === 'stopped' && this.hub.status.value === 'signed-out')) return;
    let value: StatusValue;
    if (quiet) value = 'idle';
    else if (unplugged() || this.state === 'stopped') value = 'offline';
    else if (this.state === 'open' && this.asked.size === 0) value = 'live';
    else value = this.failures > 1 ? 'offline' : 'connecting';
    this.hub.status.set(value);
  }
}

/** The error of a close after which it makes no sense to connect again. Its reason is the one that the server logs. */
function fatal(code: number, detail: string): RoundtripError {
  return code === 4403
    ? new RoundtripError({ status: 403, code: 'permission_denied', reason: 'auth.csrf_rejected', detail })
    : new RoundtripError({ status: 400, code: 'invalid_argument', reason: 'request.invalid', detail });
}
