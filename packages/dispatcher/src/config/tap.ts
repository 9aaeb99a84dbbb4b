import { parsePrefix } from '@nicshare/driver/netlink';
import { isNicshareError } from '@nicshare/shm';
import * as z from 'zod';
import { mac } from './mac.js';

function isPrefix(text: string): boolean {
  try {
    parsePrefix(text);
    return true;
  } catch (error) {
    if (isNicshareError(error, 'InvalidArgument')) return false;
    throw error;
  }
}

const prefix = z.string().refine(isPrefix, {
  error: 'must be an address with a prefix length, as 10.0.0.1/24 or fd00::1/64',
});

/** The interface by which the kernel gets what no queue takes, and sends. */
export const tap = z.strictObject({
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/,
      'must be 1 to 15 letters, digits, dots, dashes or underscores, and begin with a letter or digit',
    )
    .default('nicshare0')
    .describe(
      'Its name. The dispatcher makes it, with the MTU of the device, and it goes with the dispatcher',
    ),
  mac: z
    .union([z.literal('device'), mac()], {
      error: 'must be `device`, or a MAC address, as 02:00:00:00:00:01',
    })
    .default('device')
    .describe(
      'Its MAC address: `device`, the one by which the network knows the device, or another one that the device receives',
    ),
  addresses: z
    .union([z.literal('device'), z.array(prefix)], {
      error: 'must be `device`, or a list of addresses, as [10.0.0.1/24]',
    })
    .default([])
    .describe(
      "Its IP addresses with prefix lengths, as 10.0.0.1/24: the kernel answers ARP and ping for them. `device`: those of the interface that the device is, and its routes, which come before the interface's own while the dispatcher runs",
    ),
  queues: z
    .union([z.literal('rings'), z.int().min(1).max(64)], {
      error: 'must be `rings`, or a number from 1 to 64',
    })
    .default('rings')
    .describe('Queues between dispatcher and kernel: `rings`, one for each hardware ring, or fewer'),
});

type TapConfig = z.output<typeof tap>;

/** What the configuration says of that interface; undefined where there is none. */
export const tapSettings = (config: {
  readonly unmatched: string;
  readonly tap?: TapConfig | undefined;
}): TapConfig | undefined => (config.unmatched === 'tap' ? (config.tap ?? tap.parse({})) : undefined);
