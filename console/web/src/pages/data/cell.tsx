// One value of a record, as its type is best seen in a line.
import { Ago, Icon } from '../../parts';
import { bytes, count } from '../../say';
import { type Collection, type Field, fileURL, isImage, label, type Rec, type StoredFile } from './types';

export interface CellProps {
  of: Collection;
  all: Collection[];
  field: Field;
  record: Rec;
  full?: boolean; // all of it, not one line
}

export function Cell({ of, all, field, record, full = false }: CellProps) {
  const value = record[field.name];
  if (value === null || value === undefined || value === '') return <span className="soft" title={value === '' ? 'an empty text' : 'no value (null)'}>{value === '' ? '“”' : '–'}<span className="unseen"> {value === '' ? 'empty text' : 'no value'}</span></span>;
  switch (field.type) {
    case 'ref':
      return <RefCell all={all} field={field} record={record} />;
    case 'file':
      return <FileCell of={of} field={field} record={record} full={full} />;
    case 'bool':
      return <span className={`nowrap ${value ? '' : 'soft'}`}><Icon name={value ? 'check' : 'dash'} className="mark" /> {value ? 'true' : 'false'}</span>;
    case 'time':
      return <Ago at={value as string} />;
    case 'int':
    case 'float':
    case 'count':
      return <span className="nowrap">{field.type === 'float' ? String(value) : count(value as number)}</span>;
    case 'json':
      return full ? <pre className="data-json">{JSON.stringify(value, null, 2)}</pre> : <code className="data-line" title={JSON.stringify(value)}>{JSON.stringify(value)}</code>;
    case 'select':
      return <span className="chip">{String(value)}</span>;
    case 'id':
      return <code className="nowrap">{String(value)}</code>;
    case 'url':
      return <a className={full ? '' : 'data-line'} href={String(value)} target="_blank" rel="noreferrer noopener">{String(value)}</a>;
    default:
      return <span className={full ? 'data-text' : 'data-line'} title={full ? undefined : String(value)}>{String(value)}</span>;
  }
}

// RefCell leads to the record behind a ref, by the name that a person knows it by.
function RefCell({ all, field, record }: { all: Collection[]; field: Field; record: Rec }) {
  const id = record[field.name] as string;
  const to = all.find((c) => c.name === field.to);
  const there = record.expand?.[field.name];
  if (!to) return <code>{id}</code>;
  return (
    <a className="data-ref" href={`/data/${to.name}/${id}`} title={there ? preview(to, there) : `${to.name}/${id}`}>
      {there ? <Face of={to} record={there} /> : null}
      <span className="data-line">{there ? label(to, there) : id}</span>
    </a>
  );
}

// Face is the first picture of a record, small.
function Face({ of, record }: { of: Collection; record: Rec }) {
  const field = of.fields.find((f) => f.type === 'file' && record[f.name] && isImage(record[f.name] as StoredFile));
  return field ? <img className="data-face" src={fileURL(of, field, record, 64)} alt="" loading="lazy" width="20" height="20" /> : null;
}

// preview says of a record what fits into a hint.
function preview(of: Collection, record: Rec): string {
  const lines = of.fields
    .filter((f) => !f.system && f.type !== 'file' && f.type !== 'json' && record[f.name] !== null && record[f.name] !== '')
    .slice(0, 5)
    .map((f) => `${f.name}: ${String(record[f.name]).slice(0, 80)}`);
  return [`${of.name}/${record.id}`, ...lines].join('\n');
}

function FileCell({ of, field, record, full }: { of: Collection; field: Field; record: Rec; full: boolean }) {
  const file = record[field.name] as StoredFile;
  const about = `${file.name || 'file'} · ${file.type} · ${bytes(file.size)}${file.width ? ` · ${file.width} × ${file.height}` : ''}`;
  if (!full) {
    if (isImage(file)) return <img className="data-thumb" src={fileURL(of, field, record, 64)} alt={file.name || field.name} title={about} loading="lazy" width="40" height="40" />;
    return <a className="data-line" href={fileURL(of, field, record)} target="_blank" rel="noreferrer" title={about}>{file.name || file.type}</a>;
  }
  return (
    <span className="data-file">
      {isImage(file) && <img src={fileURL(of, field, record, 640)} alt={file.name || field.name} loading="lazy" />}
      <span><a href={fileURL(of, field, record)} target="_blank" rel="noreferrer">{file.name || 'open'}</a> <span className="fine">{about.split(' · ').slice(1).join(' · ')}</span></span>
    </span>
  );
}
