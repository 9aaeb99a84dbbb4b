import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { layout } from '@nicshare/shm';

const SOURCES = fileURLToPath(new URL('../peers', import.meta.url));
const TARGETS = fileURLToPath(new URL('./peers', import.meta.url));
const FLAGS = ['-O3', '-march=native', '-std=gnu11', '-Wall', '-Wextra'];

/** The peers by name, each one file with a main(). */
export const PEERS = [
  'attach',
  'bulk',
  'cores',
  'echo-sender',
  'route',
  'sender',
  'twin-null',
  'twin-tap',
  'twin-xdp',
  'wake',
] as const;
export type Peer = (typeof PEERS)[number];

export const peerPath = (peer: Peer): string => join(TARGETS, peer);

/** The C side's view of layout.ts, value by value, so that the two cannot drift. */
function layoutHeader(): string {
  const lines = Object.entries(layout).map(([name, value]) => `    L_${name} = ${value},`);
  return [
    '/* Generated from packages/shm/src/layout.ts. */',
    '#pragma once',
    'enum {',
    ...lines,
    '};',
    '',
  ].join('\n');
}

/** Writes a file only where its text is another, so that its time says when it changed. */
function writeChanged(path: string, text: string): void {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  writeFileSync(path, text);
}

const changedAt = (path: string): number => (existsSync(path) ? statSync(path).mtimeMs : 0);

const hasCompiler = (): boolean => spawnSync('cc', ['--version'], { stdio: 'ignore' }).status === 0;

/**
 * Compiles the C peers whose sources are newer than they are. Returns why there are none where the machine has no C
 * compiler. Throws where a peer does not compile; the compiler's words are on stderr by then.
 */
export function compilePeers(): { compiled: true } | { compiled: false; why: string } {
  if (!hasCompiler())
    return {
      compiled: false,
      why: "There is no 'cc' here, so our figures stand without the C peers beside them.",
    };
  mkdirSync(TARGETS, { recursive: true });
  const header = join(TARGETS, 'layout.h');
  writeChanged(header, layoutHeader());
  const headers = readdirSync(SOURCES).filter((name) => name.endsWith('.h'));
  const newestHeader = Math.max(changedAt(header), ...headers.map((name) => changedAt(join(SOURCES, name))));
  for (const peer of PEERS) {
    const source = join(SOURCES, `${peer}.c`);
    if (changedAt(peerPath(peer)) > Math.max(newestHeader, changedAt(source))) continue;
    execFileSync('cc', [...FLAGS, '-I', TARGETS, '-o', peerPath(peer), source], { stdio: 'inherit' });
  }
  return { compiled: true };
}
