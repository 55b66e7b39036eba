// Ids that a client chooses.

const digits = '0123456789abcdefghjkmnpqrstvwxyz';
/** The time from which ids count, in Unix milliseconds: 2024-01-01. */
const epoch = 1_704_067_200_000;

/** Makes the id of a record before it is stored: 42 bits of time and 22 of chance. It sorts among those of the server. */
export function newID(): string {
  let n = (BigInt(Date.now() - epoch) << 22n) | BigInt(crypto.getRandomValues(new Uint32Array(1))[0]! >>> 10);
  let id = '';
  for (let i = 0; i < 13; i++, n >>= 5n) id = digits[Number(n & 31n)] + id;
  return id;
}

/** A random text that no one else has: of a tab, of a write. */
export function unique(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}
