// What a journey is joined with: what led to it, and what followed from it.
import type { Journey, Link } from '../../api/types';
import { VerdictMark, Chip, Ago } from '../../parts';
import { kindWord, titleOf } from '../../path/titles';
import { duration, shortID } from '../../say';

const roles: Record<string, string> = {
  connection: 'Came over', cause: 'Set off by', query: 'Name asked for by', preflight: 'Its preflight', parent: 'Claims to belong to',
};

export function Joined({ of, following, linked }: { of: Journey; following: Journey[]; linked: Journey[] }) {
  const links = of.links ?? [];
  if (links.length === 0 && following.length === 0) return null;
  return (
    <section className="stack-s" aria-label="Joined with">
      <h2>Joined with</h2>
      <ul className="joined">
        {links.map((l) => <Before key={l.role + l.id} link={l} journey={linked.find((j) => j.id === l.id)} />)}
        {following.map((j) => <li key={j.id}><span className="role">Then</span><One of={j} /></li>)}
      </ul>
    </section>
  );
}

function Before({ link, journey }: { link: Link; journey: Journey | undefined }) {
  return (
    <li>
      <span className="role">{roles[link.role] ?? link.role}</span>
      {journey ? <One of={journey} /> : <span className="soft"><code>{shortID(link.id)}</code> {link.role === 'parent' ? 'a trace of somebody else' : 'not kept any more'}</span>}
      {link.evidence !== 'seen' && <Chip>{link.evidence}</Chip>}
    </li>
  );
}

function One({ of }: { of: Journey }) {
  const { verb, what } = titleOf(of);
  return (
    <>
      <a href={`/journeys/${of.id}`}><VerdictMark of={of.outcome} /> {kindWord(of.kind)}: {verb !== of.kind && verb} {what}</a>
      <span className="fine nowrap">{duration(of.ms)} · <Ago at={of.start} /></span>
    </>
  );
}
