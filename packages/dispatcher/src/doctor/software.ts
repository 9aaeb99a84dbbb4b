import type { Attempt, KernelTrial } from '@nicshare/driver';
import { type Finding, fail, ok, warn } from './finding.js';
import type { MachineReadings, Readings } from './readings.js';

const OLDEST_NODE = [20, 19] as const;
/** The first with BPF links for XDP, and with capabilities for BPF. */
const OLDEST_KERNEL = [5, 9] as const;

function atLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split(/[.-]/).map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

/** Node.js, the C library, and the library that calls it. */
export function softwareFindings({ machine, dispatcher }: Readings): Finding[] {
  const { node, glibc } = machine;
  const oldest = OLDEST_NODE.join('.');
  return [
    atLeast(node, OLDEST_NODE)
      ? ok('Node.js', node)
      : fail('Node.js', `${node} is older than ${oldest}`, 'npm install --global node@22'),
    glibc !== undefined
      ? ok('C library', `glibc ${glibc}`)
      : fail('C library', 'it is not glibc', 'use a system with glibc, as Debian, Ubuntu or Fedora'),
    typeof dispatcher === 'string'
      ? fail('koffi', `it does not load: ${dispatcher}`, 'npm rebuild koffi')
      : ok('koffi', 'it loads and calls C'),
  ];
}

/** The kernel's version, and what came of trying it. */
export function kernelFindings({ machine, dispatcher }: Readings): Finding[] {
  const { kernel } = machine;
  const oldest = OLDEST_KERNEL.join('.');
  const version = atLeast(kernel, OLDEST_KERNEL)
    ? ok('kernel', `Linux ${kernel}`)
    : fail('kernel', `Linux ${kernel} is older than ${oldest}`, 'apt-get dist-upgrade && reboot');
  if (typeof dispatcher === 'string' || !dispatcher.trial) return [version];
  return [version, ...trialFindings(dispatcher.trial, machine.uid === 0), ...compilerFindings(machine)];
}

function compilerFindings({ bpfCompiler }: MachineReadings): Finding[] {
  if (bpfCompiler === undefined) return [];
  return [
    bpfCompiler
      ? ok('BPF compiler', 'the XDP program is compiled')
      : warn(
          'BPF compiler',
          'off: the XDP program is interpreted',
          'sudo sysctl -w net.core.bpf_jit_enable=1',
        ),
  ];
}

const trialFindings = ({ socket, program, link }: KernelTrial, root: boolean): Finding[] => [
  attempted('AF_XDP socket', socket, 'CONFIG_XDP_SOCKETS', root),
  attempted('XDP program', program, 'CONFIG_BPF_SYSCALL', root),
  attempted('BPF link', link, 'CONFIG_BPF_SYSCALL', root),
];

function attempted(subject: string, { outcome, why = '' }: Attempt, option: string, root: boolean): Finding {
  switch (outcome) {
    case 'works':
      return ok(subject, 'tried, it works');
    case 'untried':
      return warn(subject, `not tried: ${why}`, root ? 'mend what failed above' : 'sudo npx nicshare doctor');
    case 'refused':
      return fail(
        subject,
        `refused: ${why}`,
        root
          ? 'give the container these capabilities (docker run --cap-add=NET_ADMIN --cap-add=NET_RAW --cap-add=BPF --cap-add=PERFMON)'
          : 'sudo npx nicshare doctor',
      );
    case 'missing':
      return fail(
        subject,
        `the kernel cannot: ${why}`,
        `boot a kernel that has it (grep ${option} /boot/config-* finds one)`,
      );
  }
}
