// Values in filters.

/** What may stand in a filter. */
export type Value = string | number | boolean | null | Date | readonly (string | number | boolean | Date)[];

/**
 * Writes a filter with values in it: filter`likes > ${10} && author.handle == ${handle}`. Texts are quoted, so that what
 * a person typed stays a text.
 */
export function filter(parts: TemplateStringsArray, ...values: Value[]): string {
  return parts.reduce((text, part, i) => text + literal(values[i - 1]!) + part);
}

function literal(value: Value): string {
  if (value instanceof Date) return JSON.stringify(value.toISOString());
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${value} can't stand in a filter`);
  return JSON.stringify(value);
}
