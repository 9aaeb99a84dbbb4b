import { isNicshareError } from '@nicshare/shm';
import test from 'ava';
import { orderedMatches } from './flow-match.js';
import { parseConfig, validateOptions } from './validate.js';

const VALID = `
device: { driver: af_xdp, interface: eth1 }
queues:
  - { name: rest, match: any, priority: 1000 }
  - { name: dns, match: { protocol: udp, destinationPort: 53 } }
`;

/** The message of the error that a configuration gives. */
function complaint(text: string): string {
  try {
    parseConfig(text, 'nicshare.yaml');
  } catch (error) {
    if (isNicshareError(error, 'ConfigInvalid')) return error.message;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

test('defaults are filled in', (t) => {
  const config = parseConfig(VALID, 'nicshare.yaml');
  t.deepEqual(config.device, { driver: 'af_xdp', interface: 'eth1', rings: 'all', mode: 'auto' });
  t.is(config.memory.budget, 512 * 2 ** 20);
  t.is(config.memory.ringSize, 1024);
  t.is(config.socket.mode, '0660');
  t.is(config.unmatched, 'pass');
  t.is(config.queues[1]!.priority, 100);
});

test('a configuration with its defaults filled in is valid again', (t) => {
  const config = parseConfig(VALID, 'nicshare.yaml');
  t.deepEqual(validateOptions(config), config);
});

test('JSON is read as well', (t) => {
  const json = JSON.stringify({ device: { driver: 'fake' }, queues: [{ name: 'a', match: 'any' }] });
  t.is(parseConfig(json, 'nicshare.json').queues[0]!.name, 'a');
});

test('matches are tried by priority, the lowest number first, then as written', (t) => {
  const { queues } = parseConfig(VALID, 'nicshare.yaml');
  t.deepEqual(orderedMatches(queues), [
    { match: { protocol: 17, destinationPort: 53 }, queue: 1 },
    { match: {}, queue: 0 },
  ]);
});

for (const [what, text, expected] of [
  ['an unknown field', VALID.replace('priority', 'prio'), /line 4: .*unknown field 'prio'/],
  ['an unknown field of a match', VALID.replace('destinationPort', 'port'), /line 5: .*unknown field 'port'/],
  ['a port out of range', VALID.replace('53', '70000'), /line 5: queues\.1\.match\.destinationPort: .*65535/],
  [
    'an unknown protocol',
    VALID.replace('udp', 'ipx'),
    /line 5: .*protocol: must be a number from 0 to 255, or one of icmp/,
  ],
  [
    'an unknown driver',
    VALID.replace('af_xdp', 'dpdk'),
    /line 2: .*driver must be af_xdp, e1000e, fake, igb, null, pcap or virtio-net/,
  ],
  ['a capture without a file', VALID.replace('af_xdp, interface: eth1', 'pcap'), /line 2: device\.file/],
  [
    'a rate of replay in words',
    VALID.replace('af_xdp, interface: eth1', 'pcap, file: a.pcap, rate: fast'),
    /line 2: device\.rate: must be recorded, flat-out, or packets a second/,
  ],
  [
    'a replay that never begins',
    VALID.replace('af_xdp, interface: eth1', 'pcap, file: a.pcap, loop: 0'),
    /line 2: device\.loop: must be true, false, or a count from 1 on/,
  ],
  [
    'a start at no time',
    VALID.replace('af_xdp, interface: eth1', 'pcap, file: a.pcap, start: later'),
    /line 2: device\.start: must be immediately, attached, or a number of queues from 1 on/,
  ],
  [
    'a start that never comes',
    VALID.replace('af_xdp, interface: eth1', 'pcap, file: a.pcap, start: 3'),
    /line 2: device\.start waits for clients of 3 queues, but there are 2; write at most 2/,
  ],
  [
    'a capture of more memory than there can be',
    VALID.replace('af_xdp, interface: eth1', 'pcap, file: a.pcap, memory: 3GiB'),
    /line 2: device\.memory: must be at most 2GiB/,
  ],
  [
    'a capture of several rings',
    VALID.replace('af_xdp, interface: eth1', 'pcap, file: a.pcap, rings: 2'),
    /line 2: device\.rings: must be 1/,
  ],
  ['a missing interface', VALID.replace(', interface: eth1', ''), /line 2: device\.interface/],
  ['a queue named twice', VALID.replace('name: rest', 'name: dns'), /line 5: .*'dns' exists already/],
  [
    'a name with a space',
    VALID.replace('name: dns', 'name: "d ns"'),
    /line 5: queues\.1\.name: must be 1 to 64/,
  ],
  ['an empty match', VALID.replace('match: any', 'match: {}'), /line 4: .*match: any/],
  [
    'a ring size that is no power of two',
    `${VALID}memory: { ringSize: 1000 }`,
    /line 6: memory\.ringSize: must be a power of two/,
  ],
  [
    'a budget in words',
    `${VALID}memory: { budget: much }`,
    /line 6: memory\.budget: must be a number of bytes/,
  ],
  ['no queues', 'device: { driver: fake }\nqueues: []', /line 2: queues: must have at least 1 entry/],
  ['a missing list', 'device: { driver: fake }', /line 1: queues: is missing; it must be a list/],
  [
    'a file mode that is a number',
    `${VALID}socket: { mode: 666 }`,
    /line 6: socket\.mode: .*in quotes, as '0660'/,
  ],
  [
    'a word of no choice',
    `${VALID}memory: { hugepages: maybe }`,
    /line 6: memory\.hugepages: must be one of auto, require, never/,
  ],
  [
    'a match in one word',
    VALID.replace('match: any', 'match: udp'),
    /line 4: queues\.0\.match: must be `any`, or/,
  ],
  [
    'a user who does not exist',
    VALID.replace('53 } }', '53 }, allow: { users: [root, no-such-user] } }'),
    /line 5: There is no user named 'no-such-user'. Create it/,
  ],
  [
    'a group that does not exist',
    `${VALID}socket: { group: no-such-group }`,
    /line 6: There is no group named 'no-such-group'/,
  ],
  [
    'a tap that is not asked for',
    `${VALID}tap: { name: n0 }`,
    /line 6: tap: is of no use with `unmatched: pass`; write `unmatched: tap`, or remove it/,
  ],
  [
    'a name that no interface can have',
    `${VALID}unmatched: tap\ntap: { name: a-name-that-is-too-long }`,
    /line 7: tap\.name: must be 1 to 15 letters/,
  ],
  ['a name of a pattern', `${VALID}unmatched: tap\ntap: { name: tap%d }`, /line 7: tap\.name: must be/],
  [
    'an address without a prefix length',
    `${VALID}unmatched: tap\ntap: { addresses: [10.0.0.1] }`,
    /line 7: tap\.addresses\.0: must be an address with a prefix length, as 10\.0\.0\.1\/24/,
  ],
  [
    'the addresses of a device without any',
    `${VALID.replace('af_xdp, interface: eth1', 'fake')}unmatched: tap\ntap: { addresses: device }`,
    /line 7: tap\.addresses: the fake device has none; write a list/,
  ],
  [
    'a MAC address in words',
    `${VALID}unmatched: tap\ntap: { mac: own }`,
    /line 7: tap\.mac: must be a MAC address, as 02:00/,
  ],
  ['a syntax error', 'device: { driver: fake\nqueues: [', /line \d: /],
  ['a key twice', `${VALID}unmatched: pass\nunmatched: drop`, /line 7: .*unique/],
  ['nothing', '', /line 1/],
  ['a megabyte', `${VALID}#${'x'.repeat(1 << 20)}`, /longer than/],
] as const)
  test(`${what} is refused with its line`, (t) => {
    t.regex(complaint(text), expected);
  });

test('a replay has its defaults', (t) => {
  const text = VALID.replace('af_xdp, interface: eth1', 'pcap, file: a.pcap');
  t.deepEqual(parseConfig(text, 'x.yaml').device, {
    driver: 'pcap',
    file: 'a.pcap',
    rate: 'recorded',
    loop: false,
    start: 'immediately',
    memory: 256 * 2 ** 20,
    rings: 1,
  });
});

test('options of a program are refused by their path', (t) => {
  const error = t.throws(() =>
    validateOptions({ device: { driver: 'fake', rings: 99 }, queues: [{ name: 'a', match: 'any' }] }),
  );
  t.regex(error.message, /device\.rings/);
});
