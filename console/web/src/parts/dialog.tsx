// Dialogs: the browser's own, which keep the focus inside and close on Escape.
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { Button, IconButton } from './press';

// Dialog is open as long as it is there; onClose takes it away. A drawer stands at the side.
export function Dialog({ title, onClose, look = '', children }: { title: ReactNode; onClose: () => void; look?: 'drawer' | 'wide' | ''; children: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    ref.current?.showModal();
    return () => before?.focus?.();
  }, []);
  return (
    <dialog
      ref={ref} className={`dialog ${look}`} aria-labelledby={id}
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
      onMouseDown={(e) => e.target === ref.current && onClose()}
    >
      <header>
        <h2 id={id}>{title}</h2>
        <IconButton name="cross" label="Close" onClick={onClose} />
      </header>
      <div className="body">{children}</div>
    </dialog>
  );
}

// Confirm asks before something that can't be taken back; act may fail, which is said where it was asked.
export function Confirm({ title, children, word, danger = false, act, onClose }: { title: string; children: ReactNode; word: string; danger?: boolean; act: () => Promise<void>; onClose: () => void }) {
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState('');
  const go = async () => {
    setBusy(true);
    try {
      await act();
      onClose();
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="stack-s">
        <div>{children}</div>
        {wrong && <p className="tone-down" role="alert">{wrong}</p>}
        <div className="buttons">
          <Button look={danger ? 'danger' : 'strong'} busy={busy} onClick={go}>{word}</Button>
          <Button look="quiet" onClick={onClose}>Cancel</Button>
        </div>
      </div>
    </Dialog>
  );
}
