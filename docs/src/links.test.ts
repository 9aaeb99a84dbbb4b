import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { anchor } from './anchor.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const OTHERS = ['node_modules', 'dist', '.git'];

/** Of a folder, but for what is installed or built. */
function markdownFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (OTHERS.includes(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return markdownFiles(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/** Without what is code, between fences or backticks. */
const proseOf = (file: string): string =>
  readFileSync(file, 'utf8')
    .replace(/^```.*?^```/gms, '')
    .replace(/`[^`\n]*`/g, 'code');

/** The anchors of a file's headings; of equal ones, those after the first are numbered. */
function anchorsOf(text: string): string[] {
  const seen = new Map<string, number>();
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => {
    const name = anchor(title!.replaceAll(/\[(.*?)\]\(.*?\)/g, '$1'));
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    return count === 0 ? name : `${name}-${count}`;
  });
}

function leadsNowhere(file: string, link: string): boolean {
  if (/^https?:/.test(link)) return false;
  const [path = '', heading] = link.split('#');
  const target = path === '' ? file : join(dirname(file), path);
  if (!existsSync(target)) return true;
  if (heading === undefined || statSync(target).isDirectory() || !target.endsWith('.md')) return false;
  const text = readFileSync(target, 'utf8');
  return !anchorsOf(text).includes(heading) && !text.includes(`id="${heading}"`);
}

for (const file of markdownFiles(ROOT))
  test(`every link of ${relative(ROOT, file)} leads somewhere`, (t) => {
    const links = [...proseOf(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
    t.deepEqual(
      links.filter((link) => leadsNowhere(file, link)),
      [],
    );
  });
