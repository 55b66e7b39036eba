// Names below localhost are this machine: Node asks a resolver that may not know it.
import dns from 'node:dns';

const lookup = dns.lookup;
dns.lookup = (name, options, done) => (typeof options === 'function'
  ? lookup(name.endsWith('.localhost') ? '127.0.0.1' : name, options)
  : lookup(name.endsWith('.localhost') ? '127.0.0.1' : name, options, done));
