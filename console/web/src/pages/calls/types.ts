// The API of the declaration in force, as GET /api/api describes it.
import type { Collection } from '../data/types';

export interface Site {
  name: string;
  url: string; // of the API, without a slash at its end
  host: string; // with its port
  tls: boolean;
  where: string;
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  says: string;
  required?: boolean;
  example?: string;
}

export interface Body {
  type: string;
  example?: string; // JSON
  parts?: { name: string; file?: boolean; text?: string }[]; // of a form
}

export interface Answer {
  status: number; // 0: any other
  says: string;
  type?: string;
  example?: string;
}

export interface Call {
  name: string; // within its group
  title: string;
  says: string;
  method: string;
  path: string; // below the API: /photos/{id}
  parameters: Parameter[];
  bodies: Body[];
  answers: Answer[];
  rule?: { source: string; where: string };
  signed_in?: boolean;
  open?: boolean;
  procedure?: string; // gallery.v1.Photos/List; not there where only REST has it
  message?: string; // an example of its request
  stream?: boolean;
  reads?: boolean;
}

export interface Group {
  name: string;
  says: string;
  collection?: boolean;
  where?: string;
  calls: Call[];
}

export interface Api {
  name: string;
  package: string;
  generation: number;
  authority?: string; // the file of the certificate that commands have to trust
  sites: Site[];
  groups: Group[];
  collections: Collection[];
}
