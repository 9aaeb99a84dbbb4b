/*
 * A process that opens an AF_XDP device, says by IPC how that went, and holds it until it is killed.
 * Arguments: the interface, and a user to become before.
 */
import { type DeviceContext, openDevice } from '@nicshare/driver';
import { Arena, isNicshareError } from '@nicshare/shm';

export interface HolderReport {
  readonly opened: boolean;
  /** Code of the error. */
  readonly code?: string;
}

function open(name: string): HolderReport {
  const arena = Arena.create(64 << 20, { shared: true });
  const context: DeviceContext = { arena, frameSize: 2048, ringSize: 64, hugepages: 'never', note: () => {} };
  try {
    const device = openDevice({ driver: 'af_xdp', interface: name }, context);
    device.setRules({ matches: [{}], unmatched: 'pass' });
    return { opened: true };
  } catch (error) {
    return { opened: false, code: isNicshareError(error) ? error.code : String(error) };
  }
}

const [name, uid] = process.argv.slice(2);
if (uid !== undefined) {
  process.setgroups?.([]);
  process.setgid?.(Number(uid));
  process.setuid?.(Number(uid));
}
process.send?.(open(name!));
// The listener keeps this process; it ends with its parent.
process.once('disconnect', () => process.exit());
