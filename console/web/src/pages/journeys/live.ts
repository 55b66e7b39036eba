// The live list: what the server has, then what ends while somebody looks. Rows don't move under a pointer or a focus: what
// comes meanwhile is held and counted.
import { useCallback, useEffect, useRef, useState } from 'react';
import { useApi } from '../../api/client';
import { useLive, type Wire } from '../../api/live';
import type { Journey } from '../../api/types';

const shownMax = 500;

export interface LiveList {
  list: Journey[];
  held: number; // that wait to be shown
  missed: number; // that ended too fast to be sent
  wire: Wire;
  error: ReturnType<typeof useApi>['error'];
  loading: boolean;
  again: () => void;
  release: () => void; // shows what is held
}

interface Page {
  journeys: Journey[] | null;
}

// useJourneys listens for journeys of a filter; while hold is true, new ones wait.
export function useJourneys(question: string, hold: boolean): LiveList {
  const first = useApi<Page>(`/api/journeys${question}`);
  const [list, setList] = useState<Journey[]>([]);
  const [missed, setMissed] = useState(0);
  const [held, setHeld] = useState(0);
  const waiting = useRef<Journey[]>([]);
  const frame = useRef(0);

  const release = useCallback(() => {
    const fresh = waiting.current;
    waiting.current = [];
    setHeld(0);
    if (fresh.length) setList((was) => merge(fresh, was));
  }, []);
  useEffect(() => {
    waiting.current = [];
    setHeld(0);
    setMissed(0);
    setList(first.data?.journeys ?? []);
  }, [first.data]);
  useEffect(() => {
    if (!hold) release();
  }, [hold, release]);
  useEffect(() => () => cancelAnimationFrame(frame.current), []);

  const live = useRef({ hold, release });
  live.current = { hold, release };
  const wire = useLive(`/api/journeys/live${question}`, {
    journey: (data) => {
      waiting.current.push(data as Journey);
      if (waiting.current.length > shownMax) waiting.current.shift();
      frame.current ||= requestAnimationFrame(() => {
        frame.current = 0;
        if (live.current.hold) setHeld(waiting.current.length);
        else live.current.release();
      });
    },
    missed: (data) => setMissed((n) => n + ((data as { n?: number }).n ?? 0)),
  });
  return { list, held, missed, wire, error: first.error, loading: first.busy && list.length === 0, again: first.again, release };
}

// merge puts what is new in front, the newest first, each journey once.
function merge(fresh: Journey[], was: Journey[]): Journey[] {
  const ids = new Set<string>();
  return [...fresh.toReversed(), ...was].filter((j) => !ids.has(j.id) && ids.add(j.id)).slice(0, shownMax);
}
