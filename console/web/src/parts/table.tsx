// Tables: real ones, with a caption, that j and k walk and Enter opens.
import type { ReactNode } from 'react';
import { step, useKeys } from '../keys';
import { Icon } from './icons';

export interface Column<T> {
  key: string;
  title: ReactNode;
  cell: (row: T) => ReactNode;
  end?: boolean; // numbers stand at the end
  tight?: boolean; // as narrow as its content
  mono?: boolean;
  from?: 'm' | 'l' | 'xl'; // not shown where the table is narrower
  sortable?: boolean;
  hint?: string; // said of the title
}

interface TableProps<T> {
  caption: string;
  hideCaption?: boolean;
  columns: Column<T>[];
  rows: T[];
  id: (row: T) => string;
  href?: (row: T) => string; // where a row leads
  onOpen?: (row: T) => void; // or what it opens
  current?: string | undefined; // id of the row that is open
  sort?: { key: string; desc: boolean };
  onSort?: (key: string) => void;
  keys?: boolean; // j and k walk the rows (one table on a page)
  keepScroll?: boolean;
}

// Table shows rows. Where a row leads somewhere, its first cell is the link (or button) and the whole row can be clicked.
export function Table<T>(props: TableProps<T>) {
  const { caption, columns, rows, id, current, sort, onSort, keys = false } = props;
  useKeys(keys ? { j: () => step('.table .open', 1), k: () => step('.table .open', -1) } : {});
  return (
    <div className="table-frame" role="group" aria-label={caption} tabIndex={0}>
      <table className="table">
        <caption className={props.hideCaption ? 'unseen' : undefined}>{caption}</caption>
        <thead>
          <tr>
            {columns.map((c) => (
              <th key={c.key} scope="col" className={classes(c)} title={c.hint} aria-sort={c.sortable ? (sort?.key === c.key ? (sort.desc ? 'descending' : 'ascending') : 'none') : undefined}>
                {c.sortable && onSort ? (
                  <button type="button" onClick={() => onSort(c.key)}>
                    {c.title}
                    {sort?.key === c.key && <Icon name={sort.desc ? 'down' : 'up'} />}
                  </button>
                ) : c.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={id(row)} aria-current={current === id(row) || undefined}>
              {columns.map((c, i) => (
                <td key={c.key} className={classes(c)}>{i === 0 ? <Opening {...props} row={row}>{c.cell(row)}</Opening> : c.cell(row)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Opening<T>({ row, href, onOpen, keepScroll, children }: TableProps<T> & { row: T; children: ReactNode }) {
  if (href) return <a className="open" href={href(row)} data-keep-scroll={keepScroll ? '' : undefined}>{children}</a>;
  if (onOpen) return <button type="button" className="open" onClick={() => onOpen(row)}>{children}</button>;
  return children;
}

function classes<T>(c: Column<T>): string {
  return [c.end && 'end', c.tight && 'tight', c.mono && 'mono', c.from && `from-${c.from}`].filter(Boolean).join(' ');
}
