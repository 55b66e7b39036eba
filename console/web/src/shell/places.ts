// The places of the console, in the order of the menu; the letter after g leads there.
import type { Role } from '../api/types';
import type { IconName } from '../parts';

export interface PlaceLink {
  to: string;
  word: string;
  icon: IconName;
  key: string;
  role?: Role; // from which on it is of use
}

export interface Group {
  title: string;
  links: PlaceLink[];
}

export const groups: Group[] = [
  {
    title: 'See',
    links: [
      { to: '/', word: 'Overview', icon: 'home', key: 'o' },
      { to: '/journeys', word: 'Journeys', icon: 'journeys', key: 'j' },
      { to: '/path', word: 'Path', icon: 'path', key: 'p' },
      { to: '/why', word: 'Why', icon: 'why', key: 'w', role: 'operator' },
    ],
  },
  {
    title: 'Keep',
    links: [
      { to: '/data', word: 'Data', icon: 'data', key: 'd', role: 'operator' },
      { to: '/people', word: 'People', icon: 'people', key: 'a', role: 'operator' },
    ],
  },
  {
    title: 'Run',
    links: [
      { to: '/calls', word: 'API', icon: 'api', key: 'c' },
      { to: '/generations', word: 'Declaration', icon: 'generations', key: 'g' },
      { to: '/reasons', word: 'Reasons', icon: 'reasons', key: 'r' },
      { to: '/operators', word: 'Operators', icon: 'team', key: 't', role: 'owner' },
      { to: '/audit', word: 'Audit', icon: 'audit', key: 'l', role: 'operator' },
    ],
  },
];

// within says whether a path is a place or below it.
export const within = (path: string, to: string): boolean => (to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`));
