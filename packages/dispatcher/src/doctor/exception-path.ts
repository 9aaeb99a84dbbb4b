import { type Finding, fail, ok } from './finding.js';
import type { DispatcherReadings, MachineReadings } from './readings.js';

const DEVICE = '/dev/net/tun';

/** The interface of `unmatched: tap`, where one is configured. */
export function exceptionPathFindings(
  { capabilities, uid }: MachineReadings,
  { exceptionPath }: DispatcherReadings,
): Finding[] {
  if (!exceptionPath) return [];
  const { name, access, taken } = exceptionPath;
  const subject = `interface ${name}`;
  const findings = [deviceFile(access)];
  if (!capabilities.has('NET_ADMIN'))
    findings.push(
      fail(
        subject,
        `${uid === 0 ? 'root' : `user ${uid}`} may not make it: CAP_NET_ADMIN is missing`,
        uid === 0 ? 'docker run --cap-add=NET_ADMIN ...' : 'start the dispatcher as root',
      ),
    );
  findings.push(
    taken
      ? fail(subject, 'it exists already', `set tap.name to another name, or: sudo ip link delete ${name}`)
      : ok(subject, 'the name is free'),
  );
  return findings;
}

type Access = NonNullable<DispatcherReadings['exceptionPath']>['access'];

function deviceFile(access: Access): Finding {
  switch (access) {
    case 'open':
      return ok(DEVICE, 'it can be opened');
    case 'closed':
      return fail(DEVICE, 'this user may not open it', 'start the dispatcher as root');
    case 'missing':
      return fail(
        DEVICE,
        'there is none',
        'sudo modprobe tun; for a container: docker run --device /dev/net/tun ...',
      );
  }
}
