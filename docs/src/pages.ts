import { fileURLToPath } from 'node:url';
import { apiPage } from './api.js';
import { configurationPage } from './configuration.js';

/** A page that `npm run docs` writes. */
export interface Page {
  readonly name: string;
  readonly file: string;
  make(): string | Promise<string>;
}

const page = (name: string, make: Page['make']): Page => ({
  name,
  file: fileURLToPath(new URL(`../${name}`, import.meta.url)),
  make,
});

export const PAGES: readonly Page[] = [page('configuration.md', configurationPage), page('api.md', apiPage)];
