/*
 * own-card.js ACCESS PORT...: runs the command `nicshare dispatcher` on the guest's first card, with a queue and an
 * application for each UDP port, and does what its standard input says:
 *   cpu   says how many ticks of the processor the dispatcher has taken
 *   kill  kills the dispatcher, has memory meanwhile that a card must not touch, starts it again
 *   stop  ends the dispatcher, and this
 * Says what it did as a line of JSON.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { networkFunctions, readFunction } from '@nicshare/driver/pci';
import { Arena, createOwnRegion, destroyRegion, type Region } from '@nicshare/shm';
import { CARD_IP } from '../frames.js';

const [access, ...ports] = process.argv.slice(2) as [string, ...string[]];
const SOCKET = '/tmp/nicshare/control.sock';
const CONFIG = '/tmp/nicshare.yaml';
const DISPATCHER = 'packages/dispatcher/bin/nicshare.js';
const CANARY_BYTES = 16 << 20;
const CANARY = 0x5a;
const pci = networkFunctions()[0]!.address;
const deviceMemory = join('/dev/hugepages/nicshare', pci);

const say = (event: string, rest: object = {}): void => console.log(JSON.stringify({ event, ...rest }));
const complain = (line: string): void => console.log(`# ${line}`);

writeFileSync(
  CONFIG,
  `
device: { driver: e1000e, pci: '${pci}', access: ${access} }
socket: { path: ${SOCKET}, mode: '0666' }
memory: { deviceRingSize: 512 }
queues:
${ports.map((port) => `  - { name: port-${port}, match: { protocol: udp, destinationPort: ${port} } }`).join('\n')}
unmatched: tap
tap: { addresses: [${CARD_IP}/24] }
`,
);

/** Resolves once a child has printed a line that begins so. */
function untilSays(child: ChildProcess, start: string): Promise<void> {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      complain(line);
      if (line.startsWith(start)) resolve();
    });
    child.once('exit', (status) => reject(new Error(`it ended with ${status} before it said ${start}`)));
  });
}

/** Calls back for each time that an application attached. */
function startApplication(port: string): { attached: () => Promise<void> } {
  const child = spawn(process.execPath, ['test/lab/dist/guest/echo.js', SOCKET, `port-${port}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  let waiting = 0;
  let wake: (() => void) | undefined;
  lines.on('line', (line) => {
    complain(line);
    waiting++;
    wake?.();
  });
  return {
    async attached() {
      while (waiting === 0)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      waiting--;
    },
  };
}

async function startDispatcher(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [DISPATCHER, 'dispatcher', '--config', CONFIG], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await untilSays(child, 'ready:');
  await Promise.all(applications.map(({ attached }) => attached()));
  return child;
}

const arena = Arena.create(256 << 20, { shared: true });
const bytesOf = ({ offset, bytes }: Region): Uint8Array => new Uint8Array(arena.memory.buffer, offset, bytes);

function plantCanary(): Region {
  const region = createOwnRegion(arena, 'canary', CANARY_BYTES, 'auto');
  bytesOf(region).fill(CANARY);
  return region;
}

/** Whether nobody wrote there; frees it. */
function takeCanary(region: Region): boolean {
  const intact = bytesOf(region).every((byte) => byte === CANARY);
  destroyRegion(arena, region);
  return intact;
}

const filesLeft = (): string[] => (existsSync(deviceMemory) ? readdirSync(deviceMemory).sort() : []);

/** One is planted while the card's owner is dead, one when its successor is there; both stand until the next kill. */
let canaries: Region[] = [];

async function kill(): Promise<void> {
  dispatcher.kill('SIGKILL');
  await once(dispatcher, 'exit');
  const left = filesLeft();
  const intact = canaries.map(takeCanary).every(Boolean);
  canaries = [plantCanary()];
  dispatcher = await startDispatcher();
  canaries.push(plantCanary());
  say('restarted', { intact, left, now: filesLeft() });
}

/** Processor time of the dispatcher in ticks of 10 ms (proc_pid_stat(5)). */
function ticks(): number {
  const stat = readFileSync(`/proc/${dispatcher.pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

const applications = ports.map(startApplication);
let dispatcher = await startDispatcher();
say('ready');
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'cpu') say('cpu', { ticks: ticks() });
  if (line === 'kill') await kill();
  if (line !== 'stop') continue;
  dispatcher.kill('SIGTERM');
  const [status] = await once(dispatcher, 'exit');
  const intact = canaries.map(takeCanary).every(Boolean);
  say('stopped', { status, intact, left: filesLeft(), driver: readFunction(pci).driver });
  process.exit();
}
