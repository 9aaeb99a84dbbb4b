#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { canCreateNamespaces } from '@nicshare/netlab';
import { compilePeers } from './compile-peers.js';
import { type Effort, type Experiment, type Figure, measure } from './experiment.js';
import { fixedRate, highestLosslessRate, idle } from './experiments/af-xdp.js';
import { attach } from './experiments/attach.js';
import { delivery } from './experiments/delivery.js';
import { exceptionPath } from './experiments/exception-path.js';
import { tapOthers } from './experiments/packet-tap.js';
import { replay, replayDriver } from './experiments/replay.js';
import { resolve } from './experiments/resolve.js';
import { udpEcho } from './experiments/udp-echo.js';
import { wakeup } from './experiments/wakeup.js';
import { reserveHugepages } from './hugepages.js';
import { endAll, whyNotPinned } from './processes.js';
import { table, writeJson } from './report.js';
import type { Setup } from './setup.js';

interface Entry {
  readonly name: string;
  /** Its traffic comes from a C program, in namespaces of its own. */
  readonly needsLab: boolean;
  readonly open: (setup: Setup) => Experiment | Promise<Experiment>;
}

const EXPERIMENTS: readonly Entry[] = [
  { name: 'delivery-64', needsLab: false, open: (setup) => delivery(setup, 64) },
  { name: 'delivery-64-sampled', needsLab: false, open: (setup) => delivery(setup, 64, { sampled: true }) },
  { name: 'delivery-1500', needsLab: false, open: (setup) => delivery(setup, 1500) },
  { name: 'shared-64', needsLab: false, open: (setup) => delivery(setup, 64, { mode: 'shared' }) },
  { name: 'shared-1500', needsLab: false, open: (setup) => delivery(setup, 1500, { mode: 'shared' }) },
  { name: 'pcap', needsLab: false, open: replay },
  { name: 'pcap-driver', needsLab: false, open: replayDriver },
  { name: 'tap-others-64', needsLab: false, open: (setup) => tapOthers(setup, 64) },
  { name: 'tap-others-1500', needsLab: false, open: (setup) => tapOthers(setup, 1500) },
  { name: 'af-xdp-300k', needsLab: true, open: fixedRate },
  { name: 'af-xdp-lossless', needsLab: true, open: highestLosslessRate },
  { name: 'attach', needsLab: false, open: attach },
  { name: 'wakeup-async', needsLab: false, open: () => wakeup('async') },
  { name: 'wakeup-sync', needsLab: false, open: () => wakeup('sync') },
  { name: 'idle', needsLab: true, open: idle },
  { name: 'exception-path', needsLab: true, open: exceptionPath },
  { name: 'resolve', needsLab: true, open: resolve },
  { name: 'udp-echo', needsLab: true, open: udpEcho },
];

const USAGE = `npm run bench -- [--json FILE] [--only NAME] [--quick]

  --json FILE   writes the figures as JSON, too
  --only NAME   measures one of: ${EXPERIMENTS.map(({ name }) => name).join(', ')}; may be repeated
  --quick       one short pair of runs each: shows that all works, its figures say little`;

const FULL: Effort = { pairs: 5, most: 9 };
const QUICK: Effort = { pairs: 1, most: 1 };

function readArguments() {
  const { values } = parseArgs({
    options: {
      json: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const unknown = values.only.find((name) => !EXPERIMENTS.some((entry) => entry.name === name));
  if (unknown !== undefined) throw new Error(`There is no experiment '${unknown}'.\n\n${USAGE}`);
  return values;
}

/** Why an experiment cannot run here, or undefined where it can. */
function obstacle({ needsLab }: Entry, peers: ReturnType<typeof compilePeers>): string | undefined {
  if (!needsLab) return undefined;
  if (!peers.compiled) return 'its sender is a C program, and there is no compiler.';
  const namespaces = canCreateNamespaces();
  return namespaces === true ? undefined : namespaces;
}

async function runOne(entry: Entry, setup: Setup, effort: Effort, withPeers: boolean): Promise<Figure[]> {
  process.stderr.write(`${entry.name} …\n`);
  const experiment = await entry.open(setup);
  try {
    return await measure(experiment, effort, withPeers);
  } finally {
    await experiment.close();
  }
}

async function main(): Promise<void> {
  const { json, only, quick, help } = readArguments();
  if (help) return console.log(USAGE);
  const unpinned = whyNotPinned();
  if (unpinned !== undefined) throw new Error(unpinned);
  const peers = compilePeers();
  if (!peers.compiled) console.error(peers.why);

  const { pages, restore } = reserveHugepages();
  // 'exit' comes in every case but kill -9, Ctrl-C included.
  process.on('exit', () => {
    endAll();
    restore();
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

  const setup: Setup = quick
    ? { pages, seconds: 0.4, warmupSeconds: 0.3 }
    : { pages, seconds: 2, warmupSeconds: 0.7 };
  const figures: Figure[] = [];
  for (const entry of EXPERIMENTS) {
    if (only.length > 0 && !only.includes(entry.name)) continue;
    const why = obstacle(entry, peers);
    if (why !== undefined) {
      console.error(`${entry.name} is left out: ${why}`);
      continue;
    }
    try {
      figures.push(...(await runOne(entry, setup, quick ? QUICK : FULL, peers.compiled)));
    } catch (error) {
      console.error(`${entry.name} failed: ${(error as Error).message}`);
      process.exitCode = 1;
    }
  }
  const peer = peers.compiled ? '; the C side: cc -O3 -march=native' : '';
  console.log(`\nOn ${pages === 'huge' ? '2 MiB' : '4 KiB'} pages${peer}.\n`);
  console.log(table(figures));
  if (json !== undefined) writeJson(json, figures);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
