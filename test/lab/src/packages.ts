import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LabUnavailable } from './lab-error.js';
import { run } from './run.js';

/** Downloads a Debian package and unpacks it into `folder`; nothing is installed. Options are apt's. */
export function unpackPackage(name: string, folder: string, options: readonly string[] = []): void {
  const download = mkdtempSync(join(tmpdir(), 'nicshare-lab-'));
  try {
    run('apt-get', [...options, 'download', name], { cwd: download });
    const file = readdirSync(download).find((entry) => entry.endsWith('.deb'));
    if (file === undefined) throw new LabUnavailable(`apt-get download ${name} brought nothing`);
    run('dpkg-deb', ['-x', join(download, file), folder]);
  } finally {
    rmSync(download, { recursive: true, force: true });
  }
}

/** What a package depends on first, of those whose name begins so. */
export function firstDependency(name: string, prefix: string): string {
  const found = new RegExp(`Depends: (${prefix}\\S+)`).exec(run('apt-cache', ['depends', name]));
  if (!found) throw new LabUnavailable(`apt knows no ${name}: apt-get update`);
  return found[1]!;
}

const SOURCES = '/etc/apt/sources.list.d';

/**
 * Options by which apt reads another suite of this machine's own archive (`backports`), with lists in a folder of
 * their own: the machine's are left alone.
 */
export function suiteOptions(suite: string, folder: string): string[] {
  const sources = join(folder, 'sources');
  const lists = join(folder, 'lists');
  mkdirSync(join(lists, 'partial'), { recursive: true });
  mkdirSync(sources, { recursive: true });
  writeFileSync(join(sources, 'suite.list'), `${suiteLine(suite)}\n`);
  const options = [
    '-o',
    'Dir::Etc::SourceList=/dev/null',
    '-o',
    `Dir::Etc::SourceParts=${sources}`,
    '-o',
    `Dir::State::Lists=${lists}`,
  ];
  run('apt-get', [...options, 'update', '-qq']);
  return options;
}

/** The release's main archive as it stands in this machine's sources, in either of their two forms. */
function suiteLine(suite: string): string {
  const release = /VERSION_CODENAME=(\S+)/.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  const files = readdirSync(SOURCES).map((file) => join(SOURCES, file));
  for (const file of [...files, '/etc/apt/sources.list']) {
    const text = readOptional(file);
    const uri =
      new RegExp(`^deb (?:\\[.*\\] )?(\\S+) ${release} `, 'm').exec(text)?.[1] ??
      text
        .split(/\n\s*\n/)
        .filter((stanza) => new RegExp(`^Suites:.*\\b${release}( |$)`, 'm').test(stanza))
        .map((stanza) => /^URIs:\s*(\S+)/m.exec(stanza)?.[1])[0];
    if (uri !== undefined) return `deb ${uri} ${release}-${suite} main`;
  }
  throw new LabUnavailable(`no archive of ${release ?? 'a Debian release'} in ${SOURCES}`);
}

function readOptional(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
