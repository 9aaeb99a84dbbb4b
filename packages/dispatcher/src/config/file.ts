import { readFileSync } from 'node:fs';
import { NicshareError } from '@nicshare/shm';
import type { DispatcherConfig } from './schema.js';
import { parseConfig } from './validate.js';

/** Reads a configuration file. Throws NicshareError ConfigInvalid. */
export function readConfigFile(file: string): DispatcherConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const what = `The configuration cannot be read: ${(cause as Error).message}.`;
    throw new NicshareError('ConfigInvalid', what, 'Name a file that this user may read.', { cause });
  }
  return parseConfig(text, file);
}
