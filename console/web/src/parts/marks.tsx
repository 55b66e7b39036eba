// How something is, as a mark with a word: never by colour alone.
import type { State } from '../api/types';
import { Icon, type IconName } from './icons';

export type Tone = 'well' | 'warn' | 'down' | 'off' | 'accent';

const verdicts: Record<string, { icon: IconName; tone: Tone; word: string }> = {
  open: { icon: 'unknown', tone: 'off', word: 'still open' },
  ok: { icon: 'check', tone: 'well', word: 'passed' },
  deny: { icon: 'cross', tone: 'down', word: 'refused' },
  error: { icon: 'cross', tone: 'down', word: 'failed' },
  timeout: { icon: 'clock', tone: 'down', word: 'no time left' },
  wait: { icon: 'clock', tone: 'warn', word: 'waited' },
  cached: { icon: 'check', tone: 'well', word: 'from memory' },
  skip: { icon: 'dash', tone: 'off', word: 'not needed' },
  shadow: { icon: 'shadow', tone: 'warn', word: 'would be refused' },
  'not sent': { icon: 'dash', tone: 'off', word: 'not sent' },
  'not reached': { icon: 'dash', tone: 'off', word: 'not reached' },
  unknown: { icon: 'unknown', tone: 'off', word: 'not known' },
};

export const verdict = (v: string) => verdicts[v] ?? { icon: 'unknown' as const, tone: 'off' as const, word: v };
export const refused = (v: string) => v === 'deny' || v === 'error' || v === 'timeout';

// VerdictMark is what a station decided; with word, the word is in sight too.
export function VerdictMark({ of, word = false }: { of: string; word?: boolean }) {
  const { icon, tone, word: text } = verdict(of);
  return word ? (
    <span className={`tone-${tone} nowrap`}><Icon name={icon} className="mark" /> {text}</span>
  ) : (
    <Icon name={icon} label={text} className={`mark tone-${tone}`} />
  );
}

const states: Record<State, { icon: IconName; tone: Tone; word: string }> = {
  off: { icon: 'dash', tone: 'off', word: 'off' },
  well: { icon: 'check', tone: 'well', word: 'well' },
  warn: { icon: 'warn', tone: 'warn', word: 'look at it' },
  down: { icon: 'cross', tone: 'down', word: 'down' },
};

export const state = (s: State) => states[s] ?? states.off;

export function StateMark({ of, word = false }: { of: State; word?: boolean }) {
  const { icon, tone, word: text } = state(of);
  return word ? (
    <span className={`tone-${tone} nowrap`}><Icon name={icon} className="mark" /> {text}</span>
  ) : (
    <Icon name={icon} label={text} className={`mark tone-${tone}`} />
  );
}
