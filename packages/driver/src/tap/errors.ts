import { NicshareError } from '@nicshare/shm';
import * as sys from '@nicshare/shm/sys';
import { EEXIST, ENXIO, TUN_DEVICE } from '../sys.js';
import { interfaceExists } from './access.js';

const words = (errno: number): string => new sys.SystemError(TUN_DEVICE, errno).message;

const notPermitted = (name: string, errno: number): NicshareError =>
  new NicshareError(
    'NotPermitted',
    `The interface ${name} may not be made (${words(errno)}).`,
    'Run as root, or give the process CAP_NET_ADMIN and a /dev/net/tun that it may open.',
  );

/** /dev/net/tun could not be opened. */
export function openRefused(name: string, errno: number): NicshareError {
  switch (errno) {
    case sys.ENOENT:
    case sys.ENODEV:
    case ENXIO:
      return new NicshareError(
        'NotSupported',
        `There is no ${TUN_DEVICE}, by which an interface like ${name} is made (${words(errno)}).`,
        'Load the module (modprobe tun); in a container: docker run --device /dev/net/tun ...',
      );
    case sys.EPERM:
    case sys.EACCES:
      return notPermitted(name, errno);
    default:
      return failed(name, errno);
  }
}

/** The interface could not be made or set up. */
export function tapRefused(name: string, errno: number): NicshareError {
  if (errno === sys.EPERM || errno === sys.EACCES) return notPermitted(name, errno);
  if (errno === sys.EBUSY || errno === EEXIST || (errno === sys.EINVAL && interfaceExists(name)))
    return new NicshareError(
      'InterfaceTaken',
      `There is an interface ${name} already.`,
      `Set tap.name to another name, or remove it where it is a rest of something: ip link delete ${name}`,
    );
  return failed(name, errno);
}

/** An address could not be given to the interface. */
export function addressRefused(name: string, address: string, error: sys.SystemError): NicshareError {
  if (error.errno === sys.EACCES && address.includes(':'))
    return new NicshareError(
      'NotSupported',
      `The interface ${name} cannot have the address ${address}: IPv6 is switched off.`,
      'Switch it on (sysctl net.ipv6.conf.default.disable_ipv6=0), or leave the address out.',
      { cause: error },
    );
  return new NicshareError(
    'InvalidArgument',
    `The interface ${name} cannot have the address ${address} (${error.message}).`,
    'Mend tap.addresses.',
    { cause: error },
  );
}

const failed = (name: string, errno: number): NicshareError =>
  new NicshareError(
    'DeviceFailed',
    `The interface ${name} could not be made (${words(errno)}).`,
    'Look for the reason in dmesg.',
  );
