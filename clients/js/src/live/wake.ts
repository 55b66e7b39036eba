// Noticing that somebody came back: to the page, to the net, from sleep.

/** How often is looked whether time has jumped, in milliseconds. */
const every = 5_000;
/** A jump longer than this was a sleep. */
const jump = 15_000;

/** What is called when something happens to the page. */
export interface Wakeful {
  /** Somebody may be looking again, or the net may be there again. */
  woken(): void;
  offline?(): void;
  /** The page will be stopped, and may go on later. */
  frozen?(): void;
  thawed?(): void;
  /** Every few seconds, as far as the browser lets a hidden page. */
  tick?(): void;
}

/** Watches over the page, or in Node over the clock alone. Returns what ends it. */
export function watch(to: Wakeful): () => void {
  let last = Date.now();
  const timer = setInterval(() => {
    const slept = Date.now() - last > jump;
    last = Date.now();
    if (slept) to.woken();
    to.tick?.();
  }, every) as unknown as { unref?(): void };
  timer.unref?.(); // a program in Node may end although this goes on
  const stops: (() => void)[] = [() => clearInterval(timer as unknown as number)];
  const listen = (target: EventTarget, name: string, fn: (e: Event) => void) => {
    target.addEventListener(name, fn);
    stops.push(() => target.removeEventListener(name, fn));
  };
  if (typeof window !== 'undefined') {
    for (const name of ['online', 'focus']) listen(window, name, () => to.woken());
    listen(window, 'offline', () => to.offline?.());
    listen(window, 'pagehide', (e) => (e as PageTransitionEvent).persisted && to.frozen?.());
    listen(window, 'pageshow', (e) => (e as PageTransitionEvent).persisted && to.thawed?.());
    listen(document, 'freeze', () => to.frozen?.());
    listen(document, 'resume', () => to.thawed?.());
    listen(document, 'visibilitychange', () => visible() && to.woken());
  }
  return () => stops.forEach((stop) => stop());
}

/** Whether a person can see the page. A program in Node shows nothing to anybody. */
export function visible(): boolean {
  return typeof document !== 'undefined' && document.visibilityState === 'visible';
}

/** Whether the browser knows that there is no net. */
export function unplugged(): boolean {
  return typeof navigator !== 'undefined' && navigator.onLine === false;
}
