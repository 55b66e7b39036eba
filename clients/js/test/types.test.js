// The types that `roundtrip export types` makes, judged by the compiler.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { binary, root } from './server.js';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

test('the types that the gallery has are those of its declaration', () => {
  const made = execFileSync(binary, ['export', 'types', `${root}examples/gallery`], { encoding: 'utf8' });
  assert.equal(readFileSync(`${root}examples/gallery/web/src/schema.ts`, 'utf8'), made);
});

test('the types of a declaration fit the calls, and refuse wrong ones', () => {
  writeFileSync(at('types/schema.ts'), execFileSync(binary, ['export', 'types', `${root}examples/gallery`]));
  execFileSync(at('../node_modules/.bin/tsc'), ['-p', at('types')], { stdio: 'inherit' });
});
