// Compiles each package's AssemblyScript module, where its inputs are newer than its .wasm (asc has no incremental mode).
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

// Modules share one memory: they hold no static data, and each gets a memory base of its own all the same.
const modules = [
  {
    entry: 'packages/driver/assembly/index.ts',
    output: 'packages/driver/dist/driver.wasm',
    inputs: [
      'packages/driver/assembly',
      'packages/driver/src/af-xdp/queue-table.ts',
      'packages/driver/src/intel/ring-table.ts',
      'packages/driver/src/null/pool-table.ts',
      'packages/driver/src/pcap/replay-table.ts',
      'packages/driver/src/tables.ts',
      'packages/driver/src/virtio-net/queue-table.ts',
      'packages/shm/src/layout.ts',
    ],
    memoryBase: 4096,
  },
  {
    entry: 'packages/dispatcher/assembly/index.ts',
    output: 'packages/dispatcher/dist/dataplane.wasm',
    inputs: [
      'packages/dispatcher/assembly',
      'packages/dispatcher/src/dataplane/filter-code.ts',
      'packages/dispatcher/src/dataplane/tables.ts',
      'packages/driver/src/tables.ts',
      'packages/shm/src/layout.ts',
    ],
    memoryBase: 8192,
  },
];

function newest(path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(...readdirSync(path).map((name) => newest(join(path, name))));
}

function isCurrent({ output, inputs }) {
  const target = join(root, output);
  if (!existsSync(target)) return false;
  const built = statSync(target).mtimeMs;
  return [...inputs, 'scripts/build-wasm.mjs'].every((input) => newest(join(root, input)) < built);
}

async function compile({ entry, output, memoryBase }) {
  mkdirSync(dirname(join(root, output)), { recursive: true });
  // Written beside and renamed: who loads the module meanwhile gets the old or the new one, whole.
  const unfinished = `${output}.${process.pid}`;
  const { error, stderr } = await asc.main([
    entry,
    '--baseDir',
    root,
    '--outFile',
    unfinished,
    '-O3',
    '--converge',
    '--noAssert',
    '--runtime',
    'stub',
    '--importMemory',
    '--sharedMemory',
    '--initialMemory',
    '16',
    '--maximumMemory',
    '65536',
    '--memoryBase',
    String(memoryBase),
    '--enable',
    'threads',
    '--enable',
    'simd',
    '--enable',
    'bulk-memory',
  ]);
  if (!error) return renameSync(join(root, unfinished), join(root, output));
  process.stderr.write(stderr.toString());
  throw error;
}

if (process.argv.includes('--clean')) {
  for (const { output } of modules) rmSync(join(root, output), { force: true });
} else {
  for (const module of modules) if (!isCurrent(module)) await compile(module);
}
