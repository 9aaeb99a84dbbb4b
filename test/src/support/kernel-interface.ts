import { existsSync } from 'node:fs';
import { canCreateNamespaces } from '@nicshare/netlab';

const TUN_DEVICE = '/dev/net/tun';

/** Whether a test may make a TAP interface in a namespace of its own, or why not. */
export const canCreateTaps = (): true | string =>
  existsSync(TUN_DEVICE) ? canCreateNamespaces() : `there is no ${TUN_DEVICE}`;
