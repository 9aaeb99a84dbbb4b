import { type Finding, fail, ok, warn } from './finding.js';
import type { Capability, DispatcherReadings, MachineReadings } from './readings.js';

const MIB = 2 ** 20;
const mebibytes = (bytes: number): string =>
  bytes === Infinity ? 'unlimited' : `${Math.ceil(bytes / MIB)} MiB`;

/** What this process may do. */
export function rightsFindings(machine: MachineReadings, dispatcher: DispatcherReadings): Finding[] {
  const { needs, config, exceptionPath } = dispatcher;
  if (needs.driver !== 'af_xdp')
    return [
      // What the kernel's interface needs is said beside it.
      ...(exceptionPath ? [] : [ok('privileges', `the ${needs.driver} device needs none`)]),
      openFiles(machine, dispatcher),
      addressSpace(machine, dispatcher),
    ];
  return [
    capabilities(machine, config?.file ?? 'nicshare.yaml'),
    lockedMemory(machine, dispatcher),
    openFiles(machine, dispatcher),
    addressSpace(machine, dispatcher),
  ];
}

/** capabilities(7) */
const SYS_ADMIN_STANDS_FOR: readonly Capability[] = ['BPF', 'PERFMON'];

function capabilities({ capabilities, uid }: MachineReadings, file: string): Finding {
  const has = (name: Capability): boolean =>
    capabilities.has(name) || (SYS_ADMIN_STANDS_FOR.includes(name) && capabilities.has('SYS_ADMIN'));
  const wanted = ['NET_ADMIN', 'NET_RAW', 'BPF', 'PERFMON'] as const;
  const missing = wanted.filter((name) => !has(name)).map((name) => `CAP_${name}`);
  const who = uid === 0 ? 'root' : `user ${uid}`;
  if (missing.length === 0) return ok('privileges', `${who}, with all capabilities that AF_XDP asks for`);
  return fail(
    'privileges',
    `${who} lacks ${missing.join(', ')}`,
    uid === 0
      ? `docker run ${missing.map((name) => `--cap-add=${name.slice('CAP_'.length)}`).join(' ')} ...`
      : `sudo npx nicshare dispatcher --config ${file}`,
  );
}

function lockedMemory({ capabilities, limits }: MachineReadings, { needs }: DispatcherReadings): Finding {
  const subject = 'locked memory';
  if (capabilities.has('IPC_LOCK')) return ok(subject, 'no limit (CAP_IPC_LOCK)');
  const limit = mebibytes(limits.lockedMemory);
  const need = `${mebibytes(needs.lockedMemory)} for ${needs.rings} hardware rings`;
  if (limits.lockedMemory >= needs.lockedMemory) return ok(subject, `limit ${limit}, needed ${need}`);
  return fail(
    subject,
    `limit ${limit}, needed ${need}`,
    `sudo prlimit --pid $$ --memlock=${needs.lockedMemory}:${needs.lockedMemory}`,
  );
}

/** Node.js itself raises its soft limit to the hard one. */
function openFiles({ limits }: MachineReadings, { needs }: DispatcherReadings): Finding {
  const what = `limit ${limits.openFiles}, needed ${needs.openFiles} with a client on every queue`;
  if (limits.openFiles >= needs.openFiles) return ok('open files', what);
  return warn('open files', what, `sudo prlimit --pid $$ --nofile=${needs.openFiles}:${needs.openFiles}`);
}

/** From here on V8 makes a memory for WebAssembly also where the guard pages behind it find no room. */
const NODE_WITHOUT_GUARDS = 24;

/** RLIMIT_AS (setrlimit(2), `ulimit -v`). */
function addressSpace({ limits, node }: MachineReadings, { needs }: DispatcherReadings): Finding {
  const subject = 'address space';
  const what = `limit ${mebibytes(limits.addressSpace)}, needed ${mebibytes(needs.addressSpace)}`;
  if (limits.addressSpace >= needs.addressSpace) return ok(subject, what);
  const mend = 'sudo prlimit --pid $$ --as=unlimited:unlimited';
  return Number.parseInt(node, 10) < NODE_WITHOUT_GUARDS
    ? fail(subject, `${what}; a client needs as much for each queue`, mend)
    : warn(
        subject,
        `${what}, a client as much for each queue; below it every access is checked, or has no room`,
        mend,
      );
}
