import { NicshareError } from '@nicshare/shm';
import * as sys from '@nicshare/shm/sys';
import { EAFNOSUPPORT, EEXIST, ENETDOWN, ENOPROTOOPT, ENOSYS, ENXIO } from '../sys.js';

/* CAP_PERFMON: the verifier lets nobody else add a packet's own header length to a pointer into it. */
const CAPABILITIES = 'CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF, CAP_PERFMON and CAP_IPC_LOCK';

/** Says a failed system call of AF_XDP or bpf(2) in words; other errors come back as they are. */
export function explained(error: unknown, interfaceName: string): unknown {
  if (!(error instanceof sys.SystemError)) return error;
  const as = (...[code, what, action]: readonly [NicshareError['code'], string, string]): NicshareError =>
    new NicshareError(code, `${what} (${error.message}).`, action, { cause: error });
  switch (error.errno) {
    case sys.EPERM:
    case sys.EACCES:
      return as(
        'NotPermitted',
        `AF_XDP on ${interfaceName} was not permitted`,
        `Run as root, or give the process ${CAPABILITIES}.`,
      );
    case sys.EBUSY:
    case EEXIST:
      return as(
        'InterfaceTaken',
        `The interface ${interfaceName} has an XDP program or an AF_XDP socket of somebody else`,
        'End the program that uses it, or take another interface.',
      );
    case EAFNOSUPPORT:
    case ENOSYS:
    case ENOPROTOOPT:
      return as(
        'NotSupported',
        'This kernel has no AF_XDP with BPF links',
        'Use Linux 5.9 or later with CONFIG_XDP_SOCKETS and CONFIG_BPF_SYSCALL.',
      );
    case sys.ENOBUFS:
      return as(
        'OutOfMemory',
        'The frames exceed the memory that this process may lock',
        'Raise the limit (ulimit -l, LimitMEMLOCK=), give the process CAP_IPC_LOCK, or lower memory.deviceRingSize.',
      );
    case sys.ENOMEM:
      return as(
        'OutOfMemory',
        `The kernel has no memory for ${interfaceName}`,
        'Free memory, or lower memory.deviceRingSize or device.rings.',
      );
    default:
      return isLoss(error.errno)
        ? lost(interfaceName, error)
        : as('DeviceFailed', `AF_XDP on ${interfaceName} failed`, 'Look for the reason in dmesg.');
  }
}

/** Whether the error number says that the interface is down or gone. */
export const isLoss = (errno: number): boolean =>
  errno === ENETDOWN || errno === ENXIO || errno === sys.ENODEV;

/** The interface went down or away. */
export function lost(interfaceName: string, cause: sys.SystemError): NicshareError {
  return new NicshareError(
    'InterfaceLost',
    `The interface ${interfaceName} is down or gone (${cause.message}).`,
    `Bring it up (ip link set ${interfaceName} up) and start again.`,
    { cause },
  );
}
