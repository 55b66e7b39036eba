// Who is signed in.
import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from 'react';
import { ApiError, call, signedOut } from './api/client';
import type { Role, Session } from './api/types';

interface Known {
  session: Session | null | undefined; // null: nobody; undefined: not known yet
  error: ApiError | undefined; // why it is not known
  ended: boolean; // somebody was, until now
  refresh: () => Promise<void>;
  signOut: () => Promise<void>;
}

const Context = createContext<Known | null>(null);

export function SessionProvider({ children }: { children: ReactNode }) {
  const [session, setSession] = useState<Session | null>();
  const [error, setError] = useState<ApiError>();
  const [ended, setEnded] = useState(false);
  const refresh = useCallback(async () => {
    try {
      setSession(await call<Session>('GET', '/api/session'));
      setError(undefined);
      setEnded(false);
    } catch (e) {
      if (!(e instanceof ApiError)) throw e;
      setError(e.status === 401 ? undefined : e);
      if (e.status === 401) setSession(null);
    }
  }, []);
  const signOut = useCallback(async () => {
    await call('POST', '/api/sign-out');
    setSession(null);
  }, []);
  useEffect(() => {
    void refresh();
    const out = () => {
      setSession(null);
      setEnded(true);
    };
    signedOut.addEventListener('out', out);
    return () => signedOut.removeEventListener('out', out);
  }, [refresh]);
  return <Context.Provider value={{ session, error, ended, refresh, signOut }}>{children}</Context.Provider>;
}

export function useKnown(): Known {
  const known = useContext(Context);
  if (!known) throw new Error('useKnown outside of SessionProvider');
  return known;
}

// useSession is for what only a signed-in operator sees.
export function useSession(): Session {
  const { session } = useKnown();
  if (!session) throw new Error('nobody is signed in');
  return session;
}

const ranks: Record<Role, number> = { viewer: 0, operator: 1, owner: 2 };

// useMay says whether the operator has at least that role.
export const useMay = (role: Role): boolean => ranks[useSession().role] >= ranks[role];
