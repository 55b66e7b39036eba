// The rows of the list: where it came to, on a path in miniature, and what stopped it.
import { memo } from 'react';
import type { Journey } from '../../api/types';
import { Ago, Table, type Column, VerdictMark, refused } from '../../parts';
import { MiniPath } from '../../path/minipath';
import { kindWord, statusWord, titleOf } from '../../path/titles';
import { duration, sentence } from '../../say';
import { addressOf, type Filter } from './filter';

const columns: Column<Journey>[] = [
  { key: 'what', title: 'Journey', cell: (j) => <Title of={j} /> },
  { key: 'status', title: 'Status', tight: true, end: true, from: 'm', cell: (j) => statusWord(j) },
  { key: 'path', title: 'Path', tight: true, from: 'm', cell: (j) => <MiniPath of={j} /> },
  { key: 'host', title: 'Host', from: 'l', cell: (j) => <span className="soft">{j.host}</span> },
  { key: 'from', title: 'From', from: 'xl', tight: true, cell: (j) => <span className="soft">{j.client}</span> },
  { key: 'kept', title: 'Kept for', from: 'xl', tight: true, cell: (j) => <span className="soft">{j.kept?.join(', ')}</span> },
  { key: 'ms', title: 'Took', tight: true, end: true, cell: (j) => <span className="nowrap">{duration(j.ms)}</span> },
  { key: 'when', title: 'When', tight: true, end: true, from: 'm', cell: (j) => <span className="soft"><Ago at={j.start} /></span> },
];

export const JourneyTable = memo(function JourneyTable({ list, filter, current }: { list: Journey[]; filter: Filter; current: string }) {
  return <Table caption="Journeys" hideCaption columns={columns} rows={list} id={(j) => j.id} href={(j) => addressOf(filter, j.id)} current={current} keys keepScroll />;
});

function Title({ of }: { of: Journey }) {
  const { verb, what } = titleOf(of);
  return (
    <span className="title">
      <VerdictMark of={of.outcome} />
      <span>
        <span className="name"><b>{verb}</b> {what || <span className="soft">{kindWord(of.kind)}</span>}</span>
        {of.reason && refused(of.outcome) && <span className="because"><span className="mono">{of.flag}</span> {sentence(of.sentence ?? of.reason)}</span>}
      </span>
    </span>
  );
}
