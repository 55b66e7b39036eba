// The filter: the language of the rules, with the names that fit where the cursor stands, and what is wrong at its column.
import { useEffect, useId, useRef, useState } from 'react';
import type { ApiError } from '../../api/client';
import { Button, Icon } from '../../parts';
import { useKeys } from '../../keys';
import type { Collection } from './types';

interface Suggestion {
  word: string; // what is put in
  about: string;
}

const functions: Suggestion[] = [
  { word: 'has(', about: 'has(field): it has a value' },
  { word: 'size(', about: 'size(text): how long it is' },
  { word: 'timestamp("', about: 'timestamp("2026-11-22T19:03:31Z")' },
  { word: 'duration("', about: 'duration("24h")' },
  { word: 'now', about: 'the time of the request' },
  { word: 'true', about: '' },
  { word: 'false', about: '' },
  { word: 'null', about: 'no value' },
];

const methods: Suggestion[] = [
  { word: 'contains("', about: 'a part of the text' },
  { word: 'startsWith("', about: 'its beginning' },
  { word: 'endsWith("', about: 'its end' },
];

// suggest finds what can stand at the cursor: after a dot the fields behind the ref, else fields and functions.
export function suggest(of: Collection, all: Collection[], text: string, at: number): { from: number; list: Suggestion[] } {
  const before = text.slice(0, at);
  if ((before.match(/(?<!\\)"/g)?.length ?? 0) % 2 === 1) return { from: at, list: [] }; // inside a text
  const word = /[A-Za-z_][\w.]*$/.exec(before)?.[0] ?? '';
  if (!word && before.trim() !== '' && !/(&&|\|\||[(!]|\bin)\s*$/.test(before)) return { from: at, list: [] };
  const path = word.split('.');
  const last = path.pop() ?? '';
  let here: Collection | undefined = of;
  let text_ = false; // the path ends at a text
  for (const name of path) {
    const field: Collection['fields'][number] | undefined = here?.fields.find((f) => f.name === name);
    text_ = !!field && ['text', 'email', 'url'].includes(field.type);
    here = field?.type === 'ref' ? all.find((c) => c.name === field.to) : undefined;
  }
  const fields = here?.fields.map((f) => ({ word: f.name, about: [f.type, f.type === 'ref' && `to ${f.to}`, f.of && `of ${f.to}.${f.of}`, f.options?.join(', ')].filter(Boolean).join(' ') })) ?? [];
  const rest = path.length === 0 ? [...functions, ...all.map((c) => ({ word: `${c.name}.exists(`, about: `${c.name}.exists(x, condition)` }))] : text_ ? methods : [];
  const low = last.toLowerCase();
  const list = [...fields, ...rest].filter((s) => s.word.toLowerCase().startsWith(low) && s.word !== last);
  return { from: at - last.length, list: word === '' && before.trim() === '' ? fields : list };
}

export function FilterBar({ of, all, value, onApply, error }: { of: Collection; all: Collection[]; value: string; onApply: (filter: string) => void; error: ApiError | undefined }) {
  const [text, setText] = useState(value);
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0); // of the cursor
  const [chosen, setChosen] = useState(-1);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  useKeys({ '/': () => field.current?.focus() });
  useEffect(() => setText(value), [value, of.name]);
  const { from, list } = open ? suggest(of, all, text, at) : { from: 0, list: [] };
  const shown = list.slice(0, 8);
  const wrong = error?.problem.errors?.filter((e) => e.parameter === 'filter') ?? [];
  const asked = value === text; // the error is about what stands there

  const take = (s: Suggestion) => {
    const next = text.slice(0, from) + s.word + text.slice(at);
    const cursor = from + s.word.length;
    setText(next);
    setChosen(-1);
    setAt(cursor);
    requestAnimationFrame(() => field.current?.setSelectionRange(cursor, cursor));
  };
  const apply = (next: string) => {
    setOpen(false);
    onApply(next.trim());
  };
  const key = (e: React.KeyboardEvent) => {
    if (e.key === 'Escape' && shown.length > 0) return e.preventDefault(), setOpen(false);
    if (e.key === 'Escape') return field.current?.blur();
    if (e.key === 'Enter') return chosen >= 0 && shown[chosen] ? (e.preventDefault(), take(shown[chosen])) : apply(text);
    if (e.key === 'Tab' && !e.shiftKey && chosen >= 0 && shown[chosen]) return e.preventDefault(), take(shown[chosen]);
    if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return;
    e.preventDefault();
    setOpen(true);
    if (shown.length > 0) setChosen((n) => (n + (e.key === 'ArrowDown' ? 1 : -1) + shown.length + (n < 0 && e.key === 'ArrowUp' ? 1 : 0)) % shown.length);
  };
  return (
    <div className="data-filter">
      <div className="search grow">
        <Icon name="search" />
        <input
          ref={field} className="input mono" aria-label={`Filter ${of.name}`} role="combobox" aria-expanded={shown.length > 0} aria-controls={`${id}-list`} aria-autocomplete="list"
          aria-activedescendant={chosen >= 0 && shown[chosen] ? `${id}-${chosen}` : undefined} aria-invalid={(wrong.length > 0 && asked) || undefined} aria-describedby={wrong.length > 0 ? `${id}-wrong` : undefined}
          placeholder={placeholder(of)} value={text} autoComplete="off" autoCapitalize="off" spellCheck={false}
          onChange={(e) => {
            setText(e.target.value);
            setAt(e.target.selectionStart ?? e.target.value.length);
            setChosen(-1);
            setOpen(true);
          }}
          onSelect={(e) => setAt(e.currentTarget.selectionStart ?? 0)}
          onBlur={() => setOpen(false)} onKeyDown={key}
        />
        <kbd aria-hidden="true">/</kbd>
        <ul id={`${id}-list`} role="listbox" aria-label="What can stand here" className="data-suggest" hidden={shown.length === 0}>
          {shown.map((s, i) => (
            <li
              key={s.word} id={`${id}-${i}`} role="option" aria-selected={i === chosen}
              onMouseDown={(e) => {
                e.preventDefault(); // the field keeps the focus
                take(s);
              }}
            >
              <code>{s.word}</code> <span className="fine">{s.about}</span>
            </li>
          ))}
        </ul>
      </div>
      <Button onClick={() => apply(text)}>Filter</Button>
      {value && <Button look="quiet" onClick={() => apply('')}>Clear</Button>}
      {wrong.length > 0 && asked && (
        <div id={`${id}-wrong`} className="data-wrong" role="alert">
          {wrong[0]?.column ? <pre aria-hidden="true">{`${text}\n${' '.repeat(wrong[0].column - 1)}^`}</pre> : null}
          {wrong.map((e, i) => <p key={i}><Icon name="warn" className="mark" /> {e.column ? `Column ${e.column}: ` : ''}{e.detail}</p>)}
        </div>
      )}
    </div>
  );
}

// placeholder shows the language with a field of this collection.
function placeholder(of: Collection): string {
  const by = (...types: string[]) => of.fields.find((f) => !f.system && types.includes(f.type))?.name;
  const text = by('text', 'email'), flag = by('bool'), n = by('count', 'int');
  return [text && `${text}.contains("sun")`, flag, n && `${n} > 3`].filter(Boolean).slice(0, 2).join(' && ') || 'has(id)';
}
