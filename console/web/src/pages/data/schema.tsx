// What is declared of a collection: its fields, who may do what, its indexes; each with its line of the file.
import { Chip, Table, Where } from '../../parts';
import type { Collection, Field } from './types';

const actions = ['read', 'create', 'update', 'delete'] as const;

export function Schema({ of }: { of: Collection }) {
  return (
    <div className="stack">
      <section className="panel">
        <header><h2>Fields</h2>{of.where && <Where at={of.where} />}</header>
        <Table
          caption={`Fields of ${of.name}`} hideCaption rows={of.fields} id={(f) => f.name}
          columns={[
            { key: 'name', title: 'Field', cell: (f) => <code className={f.system ? 'soft' : ''}>{f.name}</code>, tight: true },
            { key: 'type', title: 'Type', cell: (f) => <Type of={f} /> },
            { key: 'is', title: 'What holds for it', cell: (f) => <Traits of={f} /> },
            { key: 'where', title: 'Declared at', cell: (f) => (f.where ? <Where at={f.where} /> : <span className="soft">by the server</span>), tight: true, from: 'l' },
          ]}
        />
      </section>
      <section className="panel">
        <header><h2>Rules</h2></header>
        <div className="body stack-s">
          <p className="fine">They hold for the site’s own people. An operator is asked none of them: what the fields demand holds for operators too.</p>
          {actions.map((a) => {
            const rule = of.rules[a];
            return (
              <div key={a} className="data-rule">
                <h3>{a}</h3>
                {rule ? <pre className="data-source">{rule.source}</pre> : <p className="soft">No rule: nobody may.</p>}
                {rule?.where && <Where at={rule.where} />}
              </div>
            );
          })}
        </div>
      </section>
      <section className="panel">
        <header><h2>Indexes</h2></header>
        <div className="body stack-s">
          <p className="fine">The id, unique fields and refs have one each. Sorting and finding by the first field of an index costs little; by others, all records are read.</p>
          {of.indexes.length > 0 && (
            <ul className="stack-s">
              {of.indexes.map((x) => (
                <li key={x.fields.join()} className="row">
                  <code>{x.fields.join(', ')}</code>{x.unique && <Chip>unique</Chip>}{x.where && <Where at={x.where} />}
                </li>
              ))}
            </ul>
          )}
        </div>
      </section>
      {(of.from || of.hooks) && (
        <section className="panel">
          <header><h2>What hangs on it</h2></header>
          <div className="body stack-s">
            <ul className="stack-s">
              {of.from?.map((c) => <li key={c.collection + c.field}><p><a href={`/data/${c.collection}/schema`}><code>{c.collection}.{c.field}</code></a> points here; when a record goes, {gone(c.on_delete)}</p></li>)}
              {of.hooks?.map((h) => <li key={h}>the webhook {h}</li>)}
            </ul>
          </div>
        </section>
      )}
    </div>
  );
}

// gone says what becomes of a record when the one that it points to goes.
export const gone = (onDelete: string): string => (onDelete === 'cascade' ? 'it goes too' : onDelete === 'null' ? 'its ref becomes null' : 'that is refused while one points here');

export function Type({ of }: { of: Field }) {
  return <p><code>{of.type}</code>{of.type === 'ref' && <> to <a href={`/data/${of.to}/schema`}>{of.to}</a></>}{of.type === 'count' && <span className="soft"> of {of.to}.{of.of}</span>}</p>;
}

export function Traits({ of }: { of: Field }) {
  const words = [
    of.required && 'required', of.unique && 'unique', of.immutable && !of.system && 'set once', of.default !== undefined && `default ${of.default}`,
    of.min !== undefined && `at least ${of.min}`, of.max !== undefined && `at most ${of.max}`, of.match && `matches ${of.match}`,
    of.options && `one of ${of.options.join(', ')}`, of.accept && of.accept.join(', '), of.max_bytes && of.type === 'file' && `up to ${Math.round(of.max_bytes / 1e4) / 100} MB`,
    of.sizes && `widths ${of.sizes.join(', ')}`, of.on_delete && of.type === 'ref' && `on delete: ${of.on_delete}`, of.search && 'search',
  ].filter((w): w is string => !!w);
  return <span className="chips">{words.map((w) => <Chip key={w}>{w}</Chip>)}</span>;
}
