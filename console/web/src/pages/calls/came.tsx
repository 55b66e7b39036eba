// What came back of a call that was tried: an answer, or a stream.
import { type ReactNode, useEffect, useRef } from 'react';
import { useApi } from '../../api/client';
import type { Journey } from '../../api/types';
import { Button, Chip, Snippet, Where } from '../../parts';
import { duration, plural, sentence } from '../../say';
import '../journeys/journeys.css';
import { Waterfall } from '../journeys/waterfall';
import { pretty } from './snippets';

export interface Answer {
  status: number;
  proto: string;
  headers: Record<string, string[]>;
  body: string;
  binary?: boolean;
  cut?: boolean;
  ms: number;
  journey: string;
}

export interface StreamEnd {
  why: 'end' | 'messages' | 'time' | 'problem' | 'stopped' | 'gone';
  reason?: string;
  detail?: string;
}

export interface Stream {
  answer?: Answer;
  messages: string[];
  end?: StreamEnd;
}

const ends: Record<StreamEnd['why'], string> = {
  end: 'The site has ended it.', messages: 'It was ended here: 500 messages are shown at most.', time: 'It was ended here, after five minutes.',
  problem: 'It broke off.', stopped: 'You have ended it.', gone: 'The console does not answer any more.',
};

// Came is a whole answer, with its journey.
export function Came({ answer: a, children }: { answer: Answer; children?: ReactNode }) {
  const { data, error, again } = useApi<{ journey: Journey }>(a.journey ? `/api/journeys/${a.journey}` : null);
  const tries = useRef(0);
  useEffect(() => { // the journey of a stream that was stopped ends a moment later
    if (!error || ++tries.current > 20) return;
    const timer = setTimeout(again, 300 * tries.current);
    return () => clearTimeout(timer);
  }, [error, again]);
  const j = data?.journey;
  return (
    <div className="stack-s" role="group" aria-label="The answer">
      <p className="chips"><Head of={a} /><Chip>{duration(a.ms)}</Chip>{a.cut && <Chip>cut off</Chip>}{j && <Chip href={`/journeys/${a.journey}`}>its journey</Chip>}</p>
      {j?.sentence && a.status >= 400 && <div className="stack-s"><p><b>{sentence(j.sentence)}</b></p>{j.fix && <p>Fix: {sentence(j.fix)} {j.where && <Where at={j.where} />}</p>}{j.reason && <p className="chips"><Chip href={`/reasons/${j.reason}`}>{j.reason}</Chip></p>}</div>}
      {children}
      {a.binary ? <p className="soft">The body is no text.</p> : a.body && <div className="calls-answer"><Snippet text={pretty(a.body)} label="Copy the body" /></div>}
      <Headers of={a} />
      {j && <Waterfall of={j} />}
    </div>
  );
}

const Head = ({ of: a }: { of: Answer }) => <><Chip tone={a.status < 400 ? 'well' : 'down'}><b>{a.status}</b></Chip><Chip>{a.proto}</Chip></>;

function Headers({ of: a }: { of: Answer }) {
  const text = Object.entries(a.headers).flatMap(([name, all]) => all.map((v) => `${name.toLowerCase()}: ${v}`)).sort().join('\n');
  return <details><summary className="soft">Headers</summary><Snippet text={text} label="Copy the headers" /></details>;
}

// Streamed shows messages as they come; the newest is in sight unless the reader has scrolled up.
export function Streamed({ of: s, onStop }: { of: Stream; onStop: () => void }) {
  const list = useRef<HTMLOListElement>(null);
  const low = useRef(true);
  useEffect(() => {
    if (low.current && list.current) list.current.scrollTop = list.current.scrollHeight;
  }, [s.messages.length]);
  const messages = s.messages.length > 0 && (
    <ol
      ref={list} className="calls-stream" tabIndex={0} aria-label="Messages"
      onScroll={(e) => {
        const el = e.currentTarget;
        low.current = el.scrollHeight - el.scrollTop - el.clientHeight < 24;
      }}
    >
      {s.messages.map((m, i) => <li key={i}><pre>{pretty(m)}</pre></li>)}
    </ol>
  );
  const end = s.end && <p role="status">{s.end.detail ? sentence(s.end.detail) : ends[s.end.why]} <span className="soft">{plural(s.messages.length, 'message')}.</span></p>;
  if (s.end && s.answer) return <Came answer={s.answer}>{end}{messages}</Came>;
  return (
    <div className="stack-s" role="group" aria-label="The answer">
      <div className="row spread"><p className="chips">{s.answer && <Head of={s.answer} />}<Chip>{plural(s.messages.length, 'message')}</Chip></p>{!s.end && <Button icon="pause" onClick={onStop}>Stop</Button>}</div>
      {end}
      {messages}
      {!s.end && s.answer && <Headers of={s.answer} />}
    </div>
  );
}
