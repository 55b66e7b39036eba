// Forms: a field with its label, a hint and what is wrong with it.
import { type InputHTMLAttributes, type ReactNode, useId, useRef } from 'react';
import { useKeys } from '../keys';
import { Icon } from './icons';

export interface FieldControl {
  id: string;
  className: string;
  'aria-describedby'?: string;
  'aria-invalid'?: true;
}

// Field labels one control; children get the attributes that the control must have.
export function Field({ label, hint, error, children }: { label: ReactNode; hint?: ReactNode; error?: ReactNode; children: (control: FieldControl) => ReactNode }) {
  const id = useId();
  const said = [hint && `${id}-hint`, error && `${id}-wrong`].filter(Boolean).join(' ');
  const control: FieldControl = { id, className: 'input', ...(said && { 'aria-describedby': said }), ...(error ? { 'aria-invalid': true as const } : {}) };
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children(control)}
      {hint && <span className="hint" id={`${id}-hint`}>{hint}</span>}
      {error && <span className="wrong" id={`${id}-wrong`} role="alert"><Icon name="warn" className="mark" />{error}</span>}
    </div>
  );
}

// Check is a box with its label.
export function Check({ label, ...rest }: InputHTMLAttributes<HTMLInputElement> & { label: ReactNode }) {
  const id = useId();
  return (
    <div className="check">
      <input type="checkbox" id={id} {...rest} />
      <label htmlFor={id}>{label}</label>
    </div>
  );
}

// Search is a field that / leads to and Escape leaves.
export function Search({ label, value, onChange, placeholder, onEnter }: { label: string; value: string; onChange: (value: string) => void; placeholder?: string; onEnter?: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  useKeys({ '/': () => field.current?.focus() });
  return (
    <div className="search grow">
      <Icon name="search" />
      <input
        ref={field} className="input" type="search" aria-label={label} placeholder={placeholder} value={value} autoComplete="off" spellCheck={false}
        onChange={(e) => onChange(e.target.value)}
        onKeyDown={(e) => {
          if (e.key === 'Escape') field.current?.blur();
          if (e.key === 'Enter') onEnter?.();
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </div>
  );
}
