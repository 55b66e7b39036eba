// One clock for all that says how long ago something was: it ticks once a second, while somebody looks.
import { useSyncExternalStore } from 'react';

let now = new Date();
let timer: ReturnType<typeof setInterval> | undefined;
const hearers = new Set<() => void>();

function subscribe(hear: () => void): () => void {
  hearers.add(hear);
  timer ??= setInterval(() => {
    if (document.hidden) return;
    now = new Date();
    hearers.forEach((h) => h());
  }, 1000);
  return () => {
    hearers.delete(hear);
    if (hearers.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

export const useNow = (): Date => useSyncExternalStore(subscribe, () => now);
