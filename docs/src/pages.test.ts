import { readFileSync } from 'node:fs';
import test from 'ava';
import { PAGES } from './pages.js';

for (const { name, file, make } of PAGES)
  test(`docs/${name} is what npm run docs makes of the source`, async (t) => {
    t.is(readFileSync(file, 'utf8'), await make(), 'run `npm run docs`, and commit what it writes');
  });
