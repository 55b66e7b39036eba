// Our own drawings, on a grid of 24, of one stroke.
import type { ReactNode } from 'react';

const shapes = {
  home: <><path d="M3 12h4l2.5-6 4.5 12 2.5-6H21" /></>,
  journeys: <><path d="M4 6h10M4 12h16M4 18h7" /><circle cx="18" cy="6" r="2" /></>,
  path: <><circle cx="5" cy="12" r="2.4" /><circle cx="12" cy="12" r="2.4" /><circle cx="19" cy="12" r="2.4" /><path d="M7.4 12h2.2M14.4 12h2.2" /></>,
  why: <><circle cx="12" cy="12" r="9" /><path d="M9.3 9.3a2.8 2.8 0 1 1 4.2 2.6c-1 .6-1.5 1.1-1.5 2.1M12 17.2v.1" /></>,
  api: <><path d="M8.5 5C5 5 7 11.5 4 12c3 .5 1 7 4.5 7M15.5 5c3.5 0 1.5 6.5 4.5 7-3 .5-1 7-4.5 7" /><path d="M9.5 12h.1M12 12h.1M14.5 12h.1" /></>,
  data: <><ellipse cx="12" cy="5.5" rx="7.5" ry="2.8" /><path d="M4.5 5.5v13c0 1.5 3.4 2.8 7.5 2.8s7.5-1.3 7.5-2.8v-13M4.5 12c0 1.5 3.4 2.8 7.5 2.8s7.5-1.3 7.5-2.8" /></>,
  people: <><circle cx="9" cy="8" r="3.5" /><path d="M2.5 20c.4-3.6 3-5.5 6.5-5.5S15.1 16.4 15.5 20M16 4.8a3.5 3.5 0 0 1 0 6.4M18.2 14.9c1.9.8 3 2.5 3.3 5.1" /></>,
  generations: <><circle cx="6" cy="6" r="2.5" /><circle cx="6" cy="18" r="2.5" /><circle cx="18" cy="9" r="2.5" /><path d="M6 8.5v7M18 11.5c0 3-3.5 3.5-9.5 5" /></>,
  team: <><circle cx="8" cy="15" r="4.5" /><path d="m11.3 11.7 8.2-8.2M16 7l3 3M13.5 9.5l2 2" /></>,
  audit: <><path d="M6 3h9l4 4v14H6zM14.5 3v4.5H19M9 12h7M9 16h5" /></>,
  reasons: <><path d="M5 4.5h11a3 3 0 0 1 3 3v12H8a3 3 0 0 1-3-3zM5 16.5a3 3 0 0 1 3-3h11" /></>,
  sun: <><circle cx="12" cy="12" r="4" /><path d="M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4" /></>,
  moon: <path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z" />,
  auto: <><circle cx="12" cy="12" r="8.5" /><path d="M12 3.5v17a8.5 8.5 0 0 0 0-17z" fill="currentColor" /></>,
  copy: <><rect x="8.5" y="8.5" width="12" height="12" rx="2.5" /><path d="M15.5 5.5v-.5A1.5 1.5 0 0 0 14 3.5H5A1.5 1.5 0 0 0 3.5 5v9A1.5 1.5 0 0 0 5 15.5h.5" /></>,
  check: <path d="m4.5 12.5 5 5 10-11" />,
  cross: <path d="m5.5 5.5 13 13M18.5 5.5l-13 13" />,
  dash: <path d="M5 12h14" />,
  unknown: <path d="M8.5 8.5a3.6 3.6 0 1 1 5.4 3.3c-1.3.8-1.9 1.5-1.9 2.9M12 19v.1" />,
  clock: <><circle cx="12" cy="12" r="8.5" /><path d="M12 7v5l3.5 2" /></>,
  shadow: <><circle cx="12" cy="12" r="8" strokeDasharray="3 3" /><path d="m9 9 6 6M15 9l-6 6" /></>,
  warn: <><path d="M12 3.5 21.5 20h-19zM12 10v4.5M12 17.3v.1" /></>,
  pause: <path d="M8 5v14M16 5v14" />,
  play: <path d="M7 4.5v15l12-7.5z" fill="currentColor" />,
  back: <path d="M19 5v14L9 12zM6 5v14" fill="currentColor" />,
  forward: <path d="M5 5v14l10-7zM18 5v14" fill="currentColor" />,
  slow: <><path d="M4 17a8 8 0 0 1 16 0M12 17l3.5-5" /><path d="M4 17h16" /></>,
  pin: <path d="M9 3.5h6l-.7 7 3.2 3.5v1.5h-11V14l3.2-3.5zM12 15.5v5.5" />,
  link: <><path d="M10 14a4 4 0 0 0 5.7 0l3.1-3.1a4 4 0 0 0-5.7-5.7L11.7 6.6" /><path d="M14 10a4 4 0 0 0-5.7 0l-3.1 3.1a4 4 0 0 0 5.7 5.7l1.4-1.4" /></>,
  search: <><circle cx="10.5" cy="10.5" r="6.5" /><path d="m15.5 15.5 5 5" /></>,
  plus: <path d="M12 5v14M5 12h14" />,
  more: <><path d="M5 7h14M5 12h14M5 17h14" /></>,
  exit: <><path d="M10 4H5.5A1.5 1.5 0 0 0 4 5.5v13A1.5 1.5 0 0 0 5.5 20H10M15 8l4 4-4 4M19 12H9.5" /></>,
  keys: <><rect x="2.5" y="6" width="19" height="12" rx="2.5" /><path d="M6.5 10v.1M10 10v.1M13.5 10v.1M17.3 10v.1M8 14h8" /></>,
  compare: <><path d="M8 4 4 8l4 4M4 8h11M16 12l4 4-4 4M20 16H9" /></>,
  up: <path d="m6 15 6-6 6 6" />,
  down: <path d="m6 9 6 6 6-6" />,
  right: <path d="m9 6 6 6-6 6" />,
  left: <path d="m15 6-6 6 6 6" />,
  map: <><circle cx="5" cy="6" r="2" /><circle cx="19" cy="12" r="2" /><circle cx="5" cy="18" r="2" /><path d="M7 6h8a4 4 0 0 1 4 4M19 14a4 4 0 0 1-4 4H7" /></>,
  bars: <path d="M4 6h6M8 12h9M15 18h5" />,
  edit: <path d="M4 20h4L19.5 8.5l-4-4L4 16zM13 7l4 4" />,
  trash: <path d="M4.5 6.5h15M9.5 6V4h5v2M6.5 6.5l1 14h9l1-14M10 10.5v6M14 10.5v6" />,
  bulb: <path d="M9 17.5c0-2.5-3-3.8-3-7.5a6 6 0 0 1 12 0c0 3.7-3 5-3 7.5zM9.5 21h5" />,
  server: <><rect x="3.5" y="4" width="17" height="7" rx="2" /><rect x="3.5" y="13" width="17" height="7" rx="2" /><path d="M7 7.5v.1M7 16.5v.1" /></>,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof shapes;

// Icon is a decoration; what it means stands in words beside it, or in label.
export function Icon({ name, label, className }: { name: IconName; label?: string; className?: string }) {
  return (
    <svg viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" strokeWidth="1.75" strokeLinecap="round" strokeLinejoin="round" className={className} {...(label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': true })}>
      {shapes[name]}
    </svg>
  );
}

export function Logo() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#4046ca" />
      <path d="M8 12h12a4.5 4.5 0 0 1 0 9H10m3.4-3.6L9.6 21l3.8 3.6" fill="none" stroke="#fff" strokeWidth="2.6" strokeLinecap="round" strokeLinejoin="round" />
      <circle cx="8" cy="12" r="2.8" fill="#fff" />
    </svg>
  );
}
