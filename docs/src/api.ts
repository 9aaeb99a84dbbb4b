import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const OPTIONS = fileURLToPath(new URL('../typedoc.json', import.meta.url));
/* TypeDoc is run, not imported: it needs TypeScript's API for JavaScript, which the TypeScript that builds has not. */
const TYPEDOC = fileURLToPath(new URL('../node_modules/typedoc/bin/typedoc', import.meta.url));

const INTRODUCTION = `<!-- Made by \`npm run docs\` of the types and comments in packages/client/src: change them there. -->

`;

/** docs/api.md, of the types that @nicshare/client exports. Takes some seconds. */
export async function apiPage(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'nicshare-docs-'));
  try {
    const env = { ...process.env, NO_COLOR: '1' };
    await promisify(execFile)(process.execPath, [TYPEDOC, '--options', OPTIONS, '--out', folder], { env });
    return INTRODUCTION + readFileSync(join(folder, 'api.md'), 'utf8');
  } catch (error) {
    throw new Error(
      `TypeDoc refuses; mend what it names:\n${(error as { stderr?: string }).stderr ?? error}`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
