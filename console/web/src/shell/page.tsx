// One page within the frame: its title is the document's, and gets the focus when somebody comes from another page.
import { type ReactNode, useEffect, useRef } from 'react';

let arrived = false; // the first page leaves the focus where the browser has it

export function Page({ title, heading, lead, actions, children }: { title: string; heading?: ReactNode; lead?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  const h1 = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Roundtrip`;
  }, [title]);
  useEffect(() => {
    if (arrived) h1.current?.focus({ preventScroll: true });
    arrived = true;
  }, []);
  return (
    <div className="page">
      <header className="page-head">
        <div>
          <h1 ref={h1} tabIndex={-1}>{heading ?? title}</h1>
          {lead && <p>{lead}</p>}
        </div>
        {actions && <div className="buttons">{actions}</div>}
      </header>
      {children}
    </div>
  );
}
