// One page within the frame: its title is the document's, and gets the focus when somebody comes from another page.
import { type ReactNode, useEffect, useRef } from 'react';

let arrived = false; // the first page leaves the focus where the browser has it

// Page has level 2 where something else on the page is what it is about.
export function Page({ title, heading, level = 1, lead, actions, children }: { title: string; heading?: ReactNode; level?: 1 | 2; lead?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  const h1 = useRef<HTMLHeadingElement>(null);
  const Heading = level === 1 ? 'h1' : 'h2';
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
          <Heading ref={h1} tabIndex={-1} className="page-title">{heading ?? title}</Heading>
          {lead && <p>{lead}</p>}
        </div>
        {actions && <div className="buttons">{actions}</div>}
      </header>
      {children}
    </div>
  );
}
