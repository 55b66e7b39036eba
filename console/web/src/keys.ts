// Keys: single letters while nobody types, g and a letter to go somewhere.
import { useEffect, useRef } from 'react';

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !/^(checkbox|radio|button)$/.test((target as HTMLInputElement).type));

export type Keys = Record<string, (event: KeyboardEvent) => void>;

// useKeys hears the keys while the component is there: 'j', '?', 'g p'. While a dialog is open, only what that dialog does.
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    let first = ''; // the letter before, of two
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hear = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector('dialog[open]')) return;
      const name = first ? `${first} ${event.key}` : event.key;
      clearTimeout(timer);
      first = '';
      const act = latest.current[name];
      if (act) {
        event.preventDefault();
        act(event);
      } else if (Object.keys(latest.current).some((k) => k.startsWith(`${event.key} `))) {
        first = event.key;
        timer = setTimeout(() => (first = ''), 1200);
      }
    };
    addEventListener('keydown', hear);
    return () => {
      clearTimeout(timer);
      removeEventListener('keydown', hear);
    };
  }, []);
}

// step moves the focus among the elements that a selector finds, as j and k do.
export function step(selector: string, by: number): void {
  const all = [...document.querySelectorAll<HTMLElement>(selector)].filter((e) => e.getClientRects().length > 0);
  const at = all.indexOf(document.activeElement as HTMLElement);
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}
