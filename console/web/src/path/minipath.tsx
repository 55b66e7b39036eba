// The path of a journey in miniature: ten dots on a line.
import type { Journey } from '../api/types';
import { refused, verdict } from '../parts';
import { passages } from './stations';

const gap = 9;

export function MiniPath({ of }: { of: Journey }) {
  const all = passages(of);
  const last = Math.max(...all.map((p, i) => (p.hops.length ? i : 0)));
  const stop = all.find((p) => p.decided && refused(of.outcome));
  const label = stop ? `stopped at ${stop.place.title}` : 'came through';
  return (
    <svg className="minipath" width={gap * 9 + 12} height="14" viewBox={`-6 -7 ${gap * 9 + 12} 14`} role="img" aria-label={label}>
      <path d={`M0 0H${gap * 9}`} className="rail" />
      <path d={`M0 0H${gap * last}`} className="gone" />
      {all.map((p, i) => {
        const at = gap * i;
        if (p.decided && refused(of.outcome)) return <path key={p.place.id} d={`M${at - 3.2} -3.2l6.4 6.4m0 -6.4l-6.4 6.4`} className="tone-down stop" />;
        if (p.hops.length === 0) return <circle key={p.place.id} cx={at} r="1.3" className="none" />;
        return <circle key={p.place.id} cx={at} r={p.verdict === 'wait' ? 3.4 : 2.5} className={`tone-${verdict(p.verdict).tone} been`} />;
      })}
    </svg>
  );
}
