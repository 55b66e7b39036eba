// The fields of a record that is tried, each with the input that its type has.
import { bytes } from '../../say';
import { Control } from '../data/control';
import type { Collection, Field } from '../data/types';
import type { Fields, Files } from './order';

interface Props {
  all: Collection[];
  fields: Field[];
  record: Fields;
  files: Files;
  bad: Record<string, string>;
  onRecord: (record: Fields) => void;
  onFiles: (files: Files) => void;
  onBad: (bad: Record<string, string>) => void;
}

const without = <T,>(map: Record<string, T>, name: string): Record<string, T> => Object.fromEntries(Object.entries(map).filter(([n]) => n !== name));

// tooLarge says why a file can't be taken, '' where it can.
const tooLarge = (f: Field, file: File): string => (f.max_bytes && file.size > f.max_bytes ? `${file.name} has ${bytes(file.size)}, and ${f.name} takes ${bytes(f.max_bytes)} at most` : '');

export function RecordFields({ all, fields, record, files, bad, onRecord, onFiles, onBad }: Props) {
  return (
    <div className="calls-inputs calls-fields">
      {fields.map((f) => (
        <Control
          key={f.name} all={all} field={f} asked value={record[f.name]} file={files[f.name]} error={bad[f.name]} changed={f.name in record || f.name in files || f.name in bad}
          onValue={(value) => {
            onBad(without(bad, f.name));
            onRecord(value === null && !(f.name in record) ? record : { ...record, [f.name]: value });
          }}
          onFile={(file) => {
            const wrong = tooLarge(f, file);
            onBad(wrong ? { ...bad, [f.name]: wrong } : without(bad, f.name));
            onFiles(wrong ? without(files, f.name) : { ...files, [f.name]: file });
          }}
          onBad={(why) => onBad({ ...bad, [f.name]: why })}
          onUndo={() => {
            onBad(without(bad, f.name));
            onFiles(without(files, f.name));
            onRecord(without(record, f.name));
          }}
        />
      ))}
    </div>
  );
}
