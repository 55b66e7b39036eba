// A form that says what is wrong beside the field that is wrong, be it found here or by the server.
import type { ComponentChildren, InputHTMLAttributes } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';
import { explain, problemsOf } from './api';

type FieldProps = InputHTMLAttributes<HTMLInputElement> & { name: string; label: string; hint?: string; wrong?: string };

export function Field({ label, hint, wrong, ...input }: FieldProps) {
  const id = useId();
  const box = <input id={id} aria-describedby={`${id}-note`} aria-invalid={wrong ? true : undefined} {...input} />;
  const name = <label for={id}>{label}</label>;
  return (
    <div class="field">
      {input.type === 'checkbox' ? <span class="check">{box}{name}</span> : <>{name}{box}</>}
      <span class={wrong ? 'note wrong' : 'note'} id={`${id}-note`}>{wrong || hint}</span>
    </div>
  );
}

type FormProps = {
  fields: FieldProps[];
  action: string; // the text of the button
  submit: (values: FormData, form: HTMLFormElement) => Promise<unknown>;
  class?: string;
  children?: ComponentChildren; // stands above the fields
};

export function Form({ fields, action, submit, class: name = 'form', children }: FormProps) {
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<Record<string, string>>({}); // by field; '' is the whole form
  const form = useRef<HTMLFormElement>(null);

  const show = (problems: Record<string, string>) => {
    setWrong(problems);
    const first = fields.find((f) => problems[f.name])?.name;
    if (first) form.current!.querySelector<HTMLElement>(`[name="${first}"]`)?.focus();
  };

  async function onSubmit(event: Event) {
    event.preventDefault();
    if (busy) return;
    const bad = fields.filter((f) => !input(f.name).checkValidity());
    if (bad.length) return show(Object.fromEntries(bad.map((f) => [f.name, sentence(input(f.name), f.hint)])));
    setBusy(true);
    setWrong({});
    try {
      await submit(new FormData(form.current!), form.current!);
    } catch (error) {
      const named = problemsOf(error).filter((p) => fields.some((f) => p.pointer === `/${f.name}`));
      show({ ...Object.fromEntries(named.map((p) => [p.pointer!.slice(1), p.detail])), '': named.length ? '' : explain(error) });
    }
    setBusy(false);
  }

  const input = (field: string) => form.current!.elements.namedItem(field) as HTMLInputElement;
  return (
    <form class={name} ref={form} noValidate onSubmit={onSubmit} aria-busy={busy}>
      {children}
      {fields.map((f) => <Field key={f.name} {...f} wrong={wrong[f.name]} />)}
      <p class="wrong" role="alert">{wrong['']}</p>
      <button class="strong" type="submit" aria-disabled={busy}>{action}</button>
    </form>
  );
}

// sentence is what the browser says of a field; where a pattern is not met, the hint says it better.
const sentence = (input: HTMLInputElement, hint?: string) => (input.validity.patternMismatch && hint) || input.validationMessage;
