// The frame around every page: the menu at the side, or below on phones.
import { type ReactNode, useState } from 'react';
import { Choice, Dialog, Icon, IconButton, Logo } from '../parts';
import { go, usePlace } from '../router';
import { useKeys } from '../keys';
import { useKnown, useSession } from '../session';
import { useTheme } from '../theme';
import { Help } from './help';
import { Password } from './password';
import { type Group, groups, type PlaceLink, within } from './places';

const ranks = { viewer: 0, operator: 1, owner: 2 };

// useMenu is the menu of who is signed in.
function useMenu(): Group[] {
  const { role } = useSession();
  return groups
    .map((g) => ({ ...g, links: g.links.filter((l) => ranks[role] >= ranks[l.role ?? 'viewer']) }))
    .filter((g) => g.links.length > 0);
}

export function Shell({ name, children }: { name: string; children: ReactNode }) {
  const menu = useMenu();
  const links = menu.flatMap((g) => g.links);
  const { path } = usePlace();
  const [help, setHelp] = useState(false);
  useKeys({ '?': () => setHelp(true), ...Object.fromEntries(links.map((l) => [`g ${l.key}`, () => go(l.to)])) });
  return (
    <div className="shell">
      <a className="skip" href="#main">To the content</a>
      <aside className="side" aria-label="Console">
        <a className="brand" href="/"><Logo /><span>Roundtrip<small>{name}</small></span></a>
        <nav aria-label="Pages">{menu.map((g) => <MenuGroup key={g.title} group={g} path={path} />)}</nav>
        <footer>
          <ThemeChoice />
          <Who onHelp={() => setHelp(true)} />
        </footer>
      </aside>
      <main className="main" id="main" tabIndex={-1}>{children}</main>
      <Bar menu={menu} path={path} />
      {help && <Help links={links} onClose={() => setHelp(false)} />}
    </div>
  );
}

function MenuGroup({ group, path, onGo }: { group: Group; path: string; onGo?: () => void }) {
  return (
    <>
      <h2>{group.title}</h2>
      {group.links.map((l) => <MenuLink key={l.to} link={l} path={path} onGo={onGo} />)}
    </>
  );
}

function MenuLink({ link, path, onGo }: { link: PlaceLink; path: string; onGo?: (() => void) | undefined }) {
  return (
    <a className="nav-link" href={link.to} aria-current={within(path, link.to) ? 'page' : undefined} onClick={onGo}>
      <Icon name={link.icon} />
      {link.word}
    </a>
  );
}

function ThemeChoice() {
  const [theme, setTheme] = useTheme();
  return (
    <Choice
      className="themes" label="Colours" value={theme} onChange={setTheme}
      options={[{ value: 'light', label: '', icon: 'sun', name: 'Light' }, { value: 'auto', label: '', icon: 'auto', name: 'As the system' }, { value: 'dark', label: '', icon: 'moon', name: 'Dark' }]}
    />
  );
}

function Who({ onHelp }: { onHelp: () => void }) {
  const { name, role, guest } = useSession();
  const { signOut } = useKnown();
  const [changing, setChanging] = useState(false);
  return (
    <div className="who">
      <span>{name}<small>{role}</small></span>
      {!guest && <IconButton name="team" label="Change your password" aria-haspopup="dialog" onClick={() => setChanging(true)} />}
      <IconButton name="keys" label="Keys" onClick={onHelp} />
      <IconButton name="exit" label="Sign out" onClick={() => void signOut()} />
      {changing && <Password onClose={() => setChanging(false)} />}
    </div>
  );
}

// Bar is the menu of phones: what is needed most, and the rest behind More.
function Bar({ menu, path }: { menu: Group[]; path: string }) {
  const [open, setOpen] = useState(false);
  const [first, ...rest] = menu;
  const close = () => setOpen(false);
  const elsewhere = rest.some((g) => g.links.some((l) => within(path, l.to)));
  return (
    <nav className="tabs-bar" aria-label="Pages, below">
      {first?.links.map((l) => (
        <a key={l.to} href={l.to} aria-current={within(path, l.to) ? 'page' : undefined}><Icon name={l.icon} />{l.word}</a>
      ))}
      <button type="button" aria-haspopup="dialog" aria-current={elsewhere ? 'page' : undefined} onClick={() => setOpen(true)}><Icon name="more" />More</button>
      {open && (
        <Dialog title="More" onClose={close}>
          <div className="more-list">
            {rest.flatMap((g) => g.links).map((l) => <MenuLink key={l.to} link={l} path={path} onGo={close} />)}
            <ThemeChoice />
            <Who onHelp={close} />
          </div>
        </Dialog>
      )}
    </nav>
  );
}
