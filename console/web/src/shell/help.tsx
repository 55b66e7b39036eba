// The keys.
import { Dialog } from '../parts';
import type { PlaceLink } from './places';

export function Help({ links, onClose }: { links: PlaceLink[]; onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl className="keys">
        <dt><kbd>/</kbd></dt><dd>search or filter</dd>
        <dt><kbd>j</kbd><kbd>k</kbd></dt><dd>next and previous row</dd>
        <dt><kbd>Enter</kbd></dt><dd>open the row</dd>
        <dt><kbd>u</kbd></dt><dd>from a journey back to the list</dd>
        <dt><kbd>p</kbd></dt><dd>hold the live list, or go on</dd>
        <dt><kbd>m</kbd></dt><dd>a journey as time, or on the map</dd>
        <dt><kbd>←</kbd><kbd>→</kbd></dt><dd>on the map: a step back, a step on</dd>
        <dt><kbd>?</kbd></dt><dd>these keys</dd>
        {links.map((l) => [<dt key={l.key}><kbd>g</kbd><kbd>{l.key}</kbd></dt>, <dd key={l.to}>{l.word}</dd>])}
      </dl>
    </Dialog>
  );
}
