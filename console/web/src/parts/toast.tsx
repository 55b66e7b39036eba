// Short words at the edge of the page about what was just done.
import { useEffect, useSyncExternalStore } from 'react';
import { Icon, type IconName } from './icons';

interface Toast {
  id: number;
  text: string;
  icon: IconName;
}

let shown: readonly Toast[] = [];
let next = 0;
const changed = new EventTarget();

function show(list: readonly Toast[]): void {
  shown = list;
  changed.dispatchEvent(new Event('changed'));
}

// toast says something for some seconds; a screen reader says it when it has finished its sentence.
export function toast(text: string, icon: IconName = 'check'): void {
  show([...shown.slice(-2), { id: ++next, text, icon }]);
}

export function Toasts() {
  const list = useSyncExternalStore(
    (hear) => {
      changed.addEventListener('changed', hear);
      return () => changed.removeEventListener('changed', hear);
    },
    () => shown,
  );
  return <div className="toasts" role="status" aria-live="polite">{list.map((t) => <One key={t.id} {...t} />)}</div>;
}

function One({ id, text, icon }: Toast) {
  const close = () => show(shown.filter((t) => t.id !== id));
  useEffect(() => {
    const timer = setTimeout(close, 6000);
    return () => clearTimeout(timer);
  });
  return (
    <div className="toast">
      <Icon name={icon} />
      <span>{text}</span>
      <button type="button" onClick={close}><Icon name="cross" label="Close" /></button>
    </div>
  );
}
