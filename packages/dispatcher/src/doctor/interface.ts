import { type Finding, fail, ok, warn } from './finding.js';
import type { DispatcherReadings, InterfaceReading, Needs, Readings } from './readings.js';

type State = Exclude<InterfaceReading['state'], string>;

/** The network interface that was named. */
export function interfaceFindings(
  machine: Readings['machine'],
  { needs, interface: reading }: DispatcherReadings,
): Finding[] {
  if (!reading) return needs.driver === 'af_xdp' ? [unnamed(machine.interfaces)] : [];
  const subject = `interface ${reading.name}`;
  const { state } = reading;
  if (typeof state === 'string') return [fail(subject, state, mendOfMissing(machine.interfaces))];
  return [
    link(subject, reading.name, state),
    mtu(subject, reading.name, state, needs),
    queues(subject, reading, state, needs),
    program(subject, reading),
    native(subject, reading),
  ];
}

const look = (name: string): string => `npx nicshare doctor --interface ${name}`;

function unnamed(interfaces: readonly string[]): Finding {
  const [first] = interfaces;
  return first === undefined
    ? warn('interface', 'this network namespace has none but loopback', 'ip link show')
    : warn('interface', `none was named; there are ${interfaces.join(', ')}`, look(first));
}

const mendOfMissing = (interfaces: readonly string[]): string =>
  interfaces.length === 0 ? 'ip link show' : `name one of ${interfaces.join(', ')}: ${look(interfaces[0]!)}`;

function link(subject: string, name: string, { up, running }: State): Finding {
  if (!up) return fail(subject, 'it is down', `sudo ip link set ${name} up`);
  if (!running)
    return warn(subject, 'it is up and has no carrier', 'plug its cable in, or bring its peer up');
  return ok(subject, 'it is up and has a carrier');
}

function mtu(subject: string, name: string, { mtu }: State, { maxMtu, largestMaxMtu }: Needs): Finding {
  if (mtu <= maxMtu) return ok(subject, `MTU ${mtu}; frames take up to ${maxMtu}`);
  const lower = `sudo ip link set ${name} mtu ${maxMtu}`;
  const larger = mtu <= largestMaxMtu ? ', or set memory.frameSize to 4096' : '';
  return fail(subject, `MTU ${mtu}, but frames take up to ${maxMtu}`, `${lower}${larger}`);
}

function queues(
  subject: string,
  { name, rings }: InterfaceReading,
  { rxQueues, txQueues }: State,
  needs: Needs,
): Finding {
  const has = `${rxQueues} receive and ${txQueues} transmit queues`;
  if (rings !== 'all' && rings > rxQueues)
    return warn(
      subject,
      `${has}; device.rings asks for ${rings}`,
      `sudo ethtool -L ${name} combined ${rings}`,
    );
  return ok(subject, `${has}; ${needs.rings} are taken`);
}

function program(subject: string, { name, xdp }: InterfaceReading): Finding {
  if (!xdp || xdp.attached === 'none') return ok(subject, 'no XDP program is attached');
  const number = xdp.program > 0 ? ` ${xdp.program}` : '';
  return fail(
    subject,
    `the XDP program${number} of somebody is attached (${xdp.attached})`,
    `end who attached it (bpftool net show dev ${name}), or: sudo ip link set dev ${name} xdp off`,
  );
}

function native(subject: string, { features, mode }: InterfaceReading): Finding {
  if (mode === 'generic') return ok(subject, 'generic mode is configured');
  if (!features)
    return ok(subject, 'this kernel does not say whether its driver runs XDP; a start finds out');
  if (features.native)
    return ok(subject, `native mode is possible, ${features.zeroCopy ? 'zero-copy' : 'without zero-copy'}`);
  const what = "its driver runs no XDP: the kernel's slower generic mode is all it can";
  return mode === 'native'
    ? fail(subject, what, 'set device.mode to auto, or take another interface')
    : warn(subject, what, 'take an interface whose driver has XDP, or set device.mode to generic');
}
