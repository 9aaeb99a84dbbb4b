import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readDispatcher } from './read-dispatcher.js';
import { capabilitiesIn, interfacesIn, limitIn, readMachine } from './read-machine.js';

function scratch(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'nicshare-doctor-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A configuration on the fake device, so that no kernel is tried. */
function configFile(folder: string, socket: string, more = ''): string {
  const file = join(folder, 'nicshare.yaml');
  writeFileSync(
    file,
    `socket: { path: ${socket}${more} }\ndevice: { driver: fake }\nqueues: [{ name: a, match: any }]\n`,
  );
  return file;
}

test('capabilities are read from the mask of /proc/PID/status', (t) => {
  t.deepEqual(
    capabilitiesIn('Name:\tnode\nCapPrm:\tffffffffffffffff\nCapEff:\t0000008000003000\n'),
    new Set(['NET_ADMIN', 'NET_RAW', 'BPF'] as const),
  );
  t.is(capabilitiesIn('CapEff:\t0000000000000000\n').size, 0);
});

test('limits are read from /proc/PID/limits, unlimited ones as Infinity', (t) => {
  const limits =
    'Limit                     Soft Limit           Hard Limit           Units     \n' +
    'Max open files            1024                 524288               files     \n' +
    'Max locked memory         unlimited            unlimited            bytes     \n';
  t.is(limitIn(limits, 'Max open files'), 1024);
  t.is(limitIn(limits, 'Max locked memory'), Infinity);
});

test('interfaces are read from /proc/net/dev', (t) => {
  const table =
    'Inter-|   Receive  |  Transmit\n face |bytes    packets|bytes\n    lo: 1 2 3\n  eth0: 4 5\nwlp0s20f3:9 9\n';
  t.deepEqual(interfacesIn(table), ['eth0', 'wlp0s20f3']);
});

test('this machine is read', (t) => {
  const machine = readMachine();
  t.is(machine.node, process.versions.node);
  t.regex(machine.glibc!, /^2\.\d+$/);
  t.regex(machine.kernel, /^\d+\.\d+/);
  t.is(machine.uid, process.geteuid!());
  t.true(machine.limits.openFiles > 0);
  if (machine.hugepages) t.true(machine.hugepages.free <= machine.hugepages.total);
});

test('the state of a socket: free, stale, listening, no socket, too long', async (t) => {
  const folder = scratch(t);
  const path = join(folder, 's');
  const state = async (): Promise<string> =>
    (await readDispatcher({ config: configFile(folder, path) })).socket.state;
  t.is(await state(), 'free');
  writeFileSync(path, '');
  t.is(await state(), 'no socket');
  rmSync(path);
  const server = createServer().listen(path);
  await new Promise((resolve) => server.once('listening', resolve));
  t.is(await state(), 'listening');
  await new Promise((resolve) => server.close(resolve));
  const long = await readDispatcher({ config: configFile(folder, join(folder, 'x'.repeat(120))) });
  t.is(long.socket.state, 'too long');
});

test('the folder of a socket that does not exist yet, and who may connect', async (t) => {
  const folder = scratch(t);
  const read = (more: string) =>
    readDispatcher({ config: configFile(folder, join(folder, 'not-yet', 's'), more) });
  const { socket, trial, needs } = await read(", mode: '0666'");
  t.deepEqual(socket.folder, { path: folder, exists: false, writable: true, exposed: false });
  t.is(socket.access, 'all');
  t.is((await read(', group: 0')).socket.access, 'group');
  t.is(trial, undefined);
  t.is(needs.lockedMemory, 0);
});

test('a wrong configuration is a reading, with the line', async (t) => {
  const file = join(scratch(t), 'nicshare.yaml');
  writeFileSync(file, 'device: { driver: fake }\nqueues: []\n');
  const { config } = await readDispatcher({ config: file });
  t.regex(config!.error!, /line 2/);
});

test('the loopback interface is read, and one that does not exist says so', async (t) => {
  const lo = await readDispatcher({ interface: 'lo' });
  t.is((lo.interface!.state as { rxQueues: number }).rxQueues, 1);
  t.deepEqual(lo.interface!.xdp, { attached: 'none', program: 0 });
  const none = await readDispatcher({ interface: 'no-such-card' });
  t.regex(none.interface!.state as string, /no-such-card/);
});

test('a configuration with defaults needs 24 MiB a ring and 3 large pages a client', async (t) => {
  const { needs } = await readDispatcher({ interface: 'lo' });
  t.is(needs.rings, 1);
  t.is(needs.lockedMemory, 24 << 20);
  t.is(needs.hugepages, 12 + 3);
});
