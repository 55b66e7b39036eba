// What can be pressed: buttons, chips, a choice of few; and what is copied.
import type { ButtonHTMLAttributes, ReactNode } from 'react';
import { Icon, type IconName } from './icons';
import { toast } from './toast';

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & { look?: 'strong' | 'quiet' | 'danger'; icon?: IconName; busy?: boolean };

// Button is a button with its word; while busy it can't be pressed again.
export function Button({ look, icon, busy, className = '', children, onClick, ...rest }: ButtonProps) {
  return (
    <button type="button" {...rest} className={`button ${look ?? ''} ${className}`} aria-disabled={busy || undefined} onClick={(e) => (busy ? e.preventDefault() : onClick?.(e))}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

// IconButton is a button without a word in sight.
export function IconButton({ name, label, ...rest }: ButtonHTMLAttributes<HTMLButtonElement> & { name: IconName; label: string }) {
  return (
    <button type="button" title={label} {...rest} className={`button quiet icon ${rest.className ?? ''}`}>
      <Icon name={name} label={label} />
    </button>
  );
}

type ChipProps = { tone?: 'well' | 'warn' | 'down' | 'accent'; icon?: IconName; children: ReactNode; title?: string } & (
  | { onClick?: never; on?: never; href?: string }
  | { onClick: () => void; on: boolean; href?: never } // a switch
);

// Chip is a short word about something; with onClick a switch, with href a link.
export function Chip({ tone, icon, children, title, onClick, on, href }: ChipProps) {
  const inside = <>{icon && <Icon name={icon} />}{children}</>;
  if (href) return <a className="chip" href={href} title={title}>{inside}</a>;
  if (onClick) return <button type="button" className="chip" aria-pressed={on} title={title} onClick={onClick}>{inside}</button>;
  return <span className={`chip ${tone ?? ''}`} title={title}>{inside}</span>;
}

export interface Option<T extends string> {
  value: T;
  label: ReactNode;
  icon?: IconName;
  name?: string; // for a screen reader, where label is no word
}

// Choice is a choice of few, of which one is always taken.
export function Choice<T extends string>({ label, options, value, onChange, className = '' }: { label: string; options: Option<T>[]; value: T; onChange: (value: T) => void; className?: string }) {
  return (
    <div className={`choice ${className}`} role="group" aria-label={label}>
      {options.map((o) => (
        <button key={o.value} type="button" aria-pressed={o.value === value} aria-label={o.name} title={o.name} onClick={() => onChange(o.value)}>
          {o.icon && <Icon name={o.icon} />}
          {o.label}
        </button>
      ))}
    </div>
  );
}

// copy puts text into the clipboard and says so.
export async function copy(text: string, what = 'Copied'): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast(what);
  } catch {
    toast('The browser did not let it be copied: select it by hand', 'warn');
  }
}

// Where is a place in a file, to be copied: FILE:LINE:COLUMN. The folder is copied too, but not shown.
export function Where({ at }: { at: string }) {
  return (
    <button type="button" className="where" title={`Copy ${at}`} onClick={() => copy(at, `Copied ${at}`)}>
      {at.slice(at.lastIndexOf('/') + 1)}<Icon name="copy" /><span className="unseen">copy</span>
    </button>
  );
}

// Snippet is a piece of text to take away.
export function Snippet({ text, label = 'Copy' }: { text: string; label?: string }) {
  return (
    <div className="snippet">
      <pre>{text}</pre>
      <IconButton name="copy" label={label} onClick={() => copy(text)} />
    </div>
  );
}
