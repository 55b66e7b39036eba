// The nouns of the console's API, as their Go types of trace, console and why say them.

export type Verdict = 'open' | 'ok' | 'deny' | 'error' | 'timeout' | 'wait' | 'cached' | 'skip' | 'shadow';
export type Evidence = 'seen' | 'reported' | 'likely' | 'hint' | 'predicted';
export type Kind = 'request' | 'connection' | 'query' | 'drop' | 'event' | 'push' | 'report';

// Hop is one station's entry in a journey. Times are milliseconds since the journey's start.
export interface Hop {
  layer: string;
  name?: string;
  note?: string;
  t: number;
  ms: number;
  verdict: Verdict;
  evidence: Evidence;
  reason?: string;
  flag?: string;
  n?: number[];
  where?: string; // FILE:LINE:COLUMN
}

export interface Link {
  role: string;
  evidence: Evidence;
  id: string;
}

export interface Journey {
  id: string;
  kind: Kind;
  start: string;
  ms: number;
  method?: string;
  host?: string;
  path?: string;
  route?: string;
  proto?: string;
  status?: number;
  code?: string; // of a call of gRPC, gRPC-Web or Connect: OK, PERMISSION_DENIED
  bytes?: number;
  client?: string;
  headers?: string[];
  account?: string;
  outcome: Verdict;
  reason?: string;
  flag?: string;
  layer?: string;
  sentence?: string;
  fix?: string;
  where?: string;
  decided: number;
  config: number;
  kept?: string[];
  dropped?: number;
  links?: Link[];
  hops: Hop[];
}

export type State = 'off' | 'well' | 'warn' | 'down';

export interface Row {
  state: State;
  cells: string[];
  note?: string;
  where?: string;
}

export interface StationTable {
  title: string;
  columns: string[];
  rows: Row[] | null;
}

export interface Station {
  layer: string;
  title: string;
  state: State;
  sentence: string;
  fix?: string;
  where?: string;
  since?: string; // when what it warns of was last seen in a request
  tables?: StationTable[];
}

export interface Overview {
  name: string;
  state: State;
  sentence: string;
  config: number;
  refused?: string;
  stations: Station[] | null;
}

// WhyStep is one station of the way that a probe goes; side says who observed it.
export interface WhyStep {
  number: number;
  layer: string;
  title: string;
  verdict: string;
  sentence: string;
  ms: number;
  side: string;
  evidence: Evidence;
  reason?: string;
  flag?: string;
  fix?: string;
  where?: string;
  notes?: string[];
}

export interface WhyAnswer {
  url: string;
  method: string;
  origin?: string;
  well: boolean;
  stopped: number;
  sentence: string;
  reason?: string;
  flag?: string;
  layer?: string;
  fix?: string;
  where?: string;
  unknown?: string[];
  journey?: string;
  foreign: boolean;
  steps: WhyStep[] | null;
  server?: Journey;
}

export type Role = 'viewer' | 'operator' | 'owner';

export interface Session {
  name: string;
  role: Role;
  dev: boolean;
  guest?: boolean; // came in by the link that dev prints, without an account
  project?: string; // the name of the declaration
}

export interface Reason {
  flag: string;
  code: string;
  text: string;
  fix: string;
}
