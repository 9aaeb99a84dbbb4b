import test from 'ava';
import { diagnose } from './diagnose.js';
import type { Finding } from './finding.js';
import type { DispatcherReadings, MachineReadings, Readings } from './readings.js';

/** A machine that has all. */
const MACHINE: MachineReadings = {
  node: '22.4.0',
  glibc: '2.36',
  kernel: '6.1.0-18-amd64',
  uid: 0,
  capabilities: new Set(['NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'PERFMON', 'BPF']),
  hugepages: { total: 512, free: 100 },
  limits: { lockedMemory: 8 << 20, openFiles: 1 << 20, addressSpace: Infinity },
  bpfCompiler: true,
  iommuGroups: 12,
  interfaces: ['eth0', 'eth1'],
};

const INTERFACE: NonNullable<DispatcherReadings['interface']> = {
  name: 'eth1',
  state: { mtu: 1500, up: true, running: true, rxQueues: 4, txQueues: 4 },
  xdp: { attached: 'none', program: 0 },
  features: { native: true, zeroCopy: true },
  mode: 'auto',
  rings: 'all',
};

const DISPATCHER: DispatcherReadings = {
  config: undefined,
  needs: {
    driver: 'af_xdp',
    rings: 4,
    lockedMemory: 96 << 20,
    hugepages: 51,
    hugepagePolicy: 'auto',
    openFiles: 146,
    addressSpace: 12 * 2 ** 30,
    maxMtu: 1774,
    largestMaxMtu: 3822,
  },
  trial: { socket: { outcome: 'works' }, program: { outcome: 'works' }, link: { outcome: 'works' } },
  interface: INTERFACE,
  socket: {
    path: '/run/nicshare/default.sock',
    state: 'free',
    folder: { path: '/run', exists: false, writable: true, exposed: false },
    access: 'group',
    descriptorsRefused: true,
  },
};

const machine = (part: Partial<MachineReadings>): Readings => ({
  machine: { ...MACHINE, ...part },
  dispatcher: DISPATCHER,
});

const dispatcher = (part: Partial<DispatcherReadings>, own: Partial<MachineReadings> = {}): Readings => ({
  machine: { ...MACHINE, ...own },
  dispatcher: { ...DISPATCHER, ...part },
});

const needs = (part: Partial<DispatcherReadings['needs']>): Partial<DispatcherReadings> => ({
  needs: { ...DISPATCHER.needs, ...part },
});

const network = (part: Partial<typeof INTERFACE>): Partial<DispatcherReadings> => ({
  interface: { ...INTERFACE, ...part },
});

const state = (part: object): Partial<DispatcherReadings> =>
  network({ state: { mtu: 1500, up: true, running: true, rxQueues: 4, txQueues: 4, ...part } });

const socket = (part: Partial<DispatcherReadings['socket']>): Partial<DispatcherReadings> => ({
  socket: { ...DISPATCHER.socket, ...part },
});

const troubles = (readings: Readings): Finding[] => diagnose(readings).filter(({ level }) => level !== 'ok');

test('a machine that has all: nothing to mend', (t) => {
  const findings = diagnose(dispatcher({}));
  t.deepEqual(
    findings.filter(({ level, mend }) => level !== 'ok' || mend !== undefined),
    [],
  );
  t.true(findings.length > 15);
});

/** A reading that differs from the machine that has all, and the one trouble that comes of it. */
const CASES: readonly (readonly [string, Readings, Finding['level'], string, RegExp])[] = [
  ['an old Node.js', machine({ node: '20.18.3' }), 'fail', 'Node.js', /^npm install --global node@22$/],
  ['another C library', machine({ glibc: undefined }), 'fail', 'C library', /glibc/],
  ['an old kernel', machine({ kernel: '5.4.0-90-generic' }), 'fail', 'kernel', /dist-upgrade/],
  [
    'a kernel without AF_XDP',
    dispatcher({
      trial: {
        ...DISPATCHER.trial!,
        socket: { outcome: 'missing', why: 'socket(AF_XDP): EAFNOSUPPORT' },
      },
    }),
    'fail',
    'AF_XDP socket',
    /CONFIG_XDP_SOCKETS/,
  ],
  [
    'a container that refuses bpf',
    dispatcher({
      trial: { ...DISPATCHER.trial!, program: { outcome: 'refused', why: 'bpf(BPF_PROG_LOAD): EPERM' } },
    }),
    'fail',
    'XDP program',
    /--cap-add=BPF/,
  ],
  [
    'a link that could not be tried',
    dispatcher({ trial: { ...DISPATCHER.trial!, link: { outcome: 'untried', why: 'EPERM' } } }, { uid: 7 }),
    'warn',
    'BPF link',
    /^sudo npx nicshare doctor$/,
  ],
  [
    'a user without capabilities',
    dispatcher({ config: { file: 'a.yaml' } }, { uid: 1000, capabilities: new Set(['IPC_LOCK']) }),
    'fail',
    'privileges',
    /^sudo npx nicshare dispatcher --config a\.yaml$/,
  ],
  [
    'root in a container',
    machine({ capabilities: new Set(['IPC_LOCK', 'NET_RAW', 'BPF', 'PERFMON']) }),
    'fail',
    'privileges',
    /^docker run --cap-add=NET_ADMIN /,
  ],
  [
    'no TAP interfaces in a container',
    dispatcher({ exceptionPath: { name: 'n0', access: 'missing', taken: false } }),
    'fail',
    '/dev/net/tun',
    /--device \/dev\/net\/tun/,
  ],
  [
    'a name of the exception path that is taken',
    dispatcher({ exceptionPath: { name: 'n0', access: 'open', taken: true } }),
    'fail',
    'interface n0',
    /tap\.name to another name, or: sudo ip link delete n0$/,
  ],
  [
    'an exception path of a user without rights',
    dispatcher(
      {
        ...needs({ driver: 'fake' }),
        exceptionPath: { name: 'n0', access: 'open', taken: false },
      },
      { uid: 1000, capabilities: new Set() },
    ),
    'fail',
    'interface n0',
    /as root$/,
  ],
  [
    'a limit of locked memory',
    machine({ capabilities: new Set(['NET_ADMIN', 'NET_RAW', 'BPF', 'PERFMON']) }),
    'fail',
    'locked memory',
    /--memlock=100663296:100663296$/,
  ],
  [
    'few open files',
    machine({ limits: { ...MACHINE.limits, openFiles: 64 } }),
    'warn',
    'open files',
    /--nofile=146:146$/,
  ],
  [
    'little address space',
    machine({ limits: { ...MACHINE.limits, addressSpace: 8 * 2 ** 30 } }),
    'fail',
    'address space',
    /^sudo prlimit --pid \$\$ --as=unlimited:unlimited$/,
  ],
  [
    'little address space for a Node.js that does with less',
    machine({ node: '24.1.0', limits: { ...MACHINE.limits, addressSpace: 8 * 2 ** 30 } }),
    'warn',
    'address space',
    /^sudo prlimit --pid \$\$ --as=unlimited:unlimited$/,
  ],
  ['an interpreter of BPF', machine({ bpfCompiler: false }), 'warn', 'BPF compiler', /bpf_jit_enable=1$/],
  [
    'few huge pages',
    machine({ hugepages: { total: 60, free: 50 } }),
    'warn',
    'huge pages',
    /vm\.nr_hugepages=61$/,
  ],
  [
    'few huge pages that are required',
    dispatcher(needs({ hugepagePolicy: 'require' }), { hugepages: { total: 0, free: 0 } }),
    'fail',
    'huge pages',
    /vm\.nr_hugepages=51$/,
  ],
  [
    'a kernel without huge pages',
    machine({ hugepages: undefined }),
    'warn',
    'huge pages',
    /`hugepages: never`/,
  ],
  ['no IOMMU', machine({ iommuGroups: 0 }), 'warn', 'IOMMU', /intel_iommu=on/],
  [
    'no interface named',
    dispatcher({ interface: undefined }),
    'warn',
    'interface',
    /^npx nicshare doctor --interface eth0$/,
  ],
  [
    'an interface that is not there',
    dispatcher(network({ state: "There is no interface 'eth1'." })),
    'fail',
    'interface eth1',
    /^name one of eth0, eth1/,
  ],
  [
    'an interface that is down',
    dispatcher(state({ up: false, running: false })),
    'fail',
    'interface eth1',
    /^sudo ip link set eth1 up$/,
  ],
  ['no carrier', dispatcher(state({ running: false })), 'warn', 'interface eth1', /cable/],
  [
    'an MTU that larger frames would take',
    dispatcher(state({ mtu: 3000 })),
    'fail',
    'interface eth1',
    /^sudo ip link set eth1 mtu 1774, or set memory\.frameSize to 4096$/,
  ],
  [
    'an MTU that no frame takes',
    dispatcher(state({ mtu: 9000 })),
    'fail',
    'interface eth1',
    /^sudo ip link set eth1 mtu 1774$/,
  ],
  [
    'fewer queues than configured',
    dispatcher(network({ rings: 8 })),
    'warn',
    'interface eth1',
    /^sudo ethtool -L eth1 combined 8$/,
  ],
  [
    "somebody else's XDP program",
    dispatcher(network({ xdp: { attached: 'native', program: 17 } })),
    'fail',
    'interface eth1',
    /sudo ip link set dev eth1 xdp off$/,
  ],
  [
    'a driver without XDP',
    dispatcher(network({ features: { native: false, zeroCopy: false } })),
    'warn',
    'interface eth1',
    /device\.mode to generic/,
  ],
  [
    'native mode on a driver without XDP',
    dispatcher(network({ features: { native: false, zeroCopy: false }, mode: 'native' })),
    'fail',
    'interface eth1',
    /device\.mode to auto/,
  ],
  [
    'a wrong configuration',
    dispatcher({ config: { file: 'a.yaml', error: 'It is not valid:\n  line 3: no' } }),
    'fail',
    'configuration a.yaml',
    /--check --config a\.yaml$/,
  ],
  [
    'a dispatcher that listens',
    dispatcher(socket({ state: 'listening' })),
    'fail',
    'socket /run/nicshare/default.sock',
    /npx nicshare queues --socket/,
  ],
  [
    'a file in the way',
    dispatcher(socket({ state: 'no socket' })),
    'fail',
    'socket /run/nicshare/default.sock',
    /^sudo rm /,
  ],
  [
    'a socket that cannot be asked',
    dispatcher(socket({ state: 'closed' })),
    'fail',
    'socket /run/nicshare/default.sock',
    /ls -l/,
  ],
  [
    'a path that is too long',
    dispatcher(socket({ state: 'too long' })),
    'fail',
    'socket /run/nicshare/default.sock',
    /shorter/,
  ],
  [
    'a folder that cannot be made',
    dispatcher(socket({ folder: { path: '/run', exists: false, writable: false, exposed: false } })),
    'fail',
    'folder /run/nicshare',
    /^sudo install -d -o \$\(id -un\) \/run\/nicshare$/,
  ],
  [
    'a default folder that others may write',
    dispatcher(socket({ folder: { path: '/run/nicshare', exists: true, writable: true, exposed: true } })),
    'fail',
    'folder /run/nicshare',
    /chmod go-w \/run\/nicshare$/,
  ],
  [
    'no group nicshare',
    dispatcher(socket({ access: { missing: 'nicshare' } })),
    'warn',
    'who may connect',
    /^sudo groupadd --system nicshare$/,
  ],
  [
    'a kernel that passes descriptors on',
    dispatcher(socket({ descriptorsRefused: false })),
    'warn',
    'descriptors from clients',
    /Linux 6\.16/,
  ],
];

for (const [what, readings, level, subject, mend] of CASES)
  test(`${what}: ${level}, with its mend`, (t) => {
    const found = troubles(readings);
    t.is(found.length, 1, JSON.stringify(found));
    t.is(found[0]!.level, level);
    t.is(found[0]!.subject, subject);
    t.regex(found[0]!.mend!, mend);
    t.false(/\n/.test(found[0]!.what));
  });

test('where koffi does not load, the machine alone is looked at', (t) => {
  const found = diagnose({ machine: MACHINE, dispatcher: 'no koffi for this platform' });
  t.deepEqual(
    found.map(({ level, subject }) => [level, subject]),
    [
      ['ok', 'Node.js'],
      ['ok', 'C library'],
      ['fail', 'koffi'],
      ['ok', 'kernel'],
    ],
  );
});

test('a device that is not of the kernel asks for no privileges', (t) => {
  const readings = dispatcher(
    { ...needs({ driver: 'fake', rings: 0, lockedMemory: 0 }), trial: undefined, interface: undefined },
    { uid: 1000, capabilities: new Set() },
  );
  t.deepEqual(troubles(readings), []);
});

test('a kernel that does not say whether it compiles BPF is no trouble', (t) => {
  t.deepEqual(troubles(machine({ bpfCompiler: undefined })), []);
});

test('SYS_ADMIN stands for BPF and PERFMON', (t) => {
  const capabilities = new Set(['NET_ADMIN', 'NET_RAW', 'SYS_ADMIN', 'IPC_LOCK'] as const);
  t.deepEqual(troubles(machine({ capabilities })), []);
});

test('nobody needs a group where the socket is open to all, or the dispatcher is no root', (t) => {
  for (const access of ['all', 'own'] as const) t.deepEqual(troubles(dispatcher(socket({ access }))), []);
});

test('a kernel that does not say what a driver can is no trouble', (t) => {
  t.deepEqual(troubles(dispatcher(network({ features: undefined }))), []);
});
