/* npm run docs: writes the pages that are made of the source. */
import { writeFileSync } from 'node:fs';
import { PAGES } from './pages.js';

try {
  for (const { name, file, make } of PAGES) {
    writeFileSync(file, await make());
    console.log(`docs/${name}`);
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
