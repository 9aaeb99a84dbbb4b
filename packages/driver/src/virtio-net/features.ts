import { NicshareError } from '@nicshare/shm';
import * as R from './registers.js';
import type { Transport } from './transport.js';

/** Feature bits (virtio 1.2, 5.1.3 and 6). */
export const FEATURE = {
  MAC: 5,
  STATUS: 16,
  CTRL_VQ: 17,
  CTRL_RX: 18,
  MQ: 22,
  VERSION_1: 32,
  ACCESS_PLATFORM: 33,
  ORDER_PLATFORM: 36,
  RSS: 60,
} as const;

export type Feature = keyof typeof FEATURE;

const WANTED: readonly Feature[] = [
  'MAC',
  'STATUS',
  'CTRL_VQ',
  'CTRL_RX',
  'VERSION_1',
  'ACCESS_PLATFORM',
  'ORDER_PLATFORM',
];
/** Of use with more than one ring, and no further than the control queue (5.1.3.1). */
const FOR_RINGS: readonly Feature[] = ['MQ', 'RSS'];

/** What both sides do. */
export class Features {
  readonly #bits: bigint;

  constructor(bits: bigint) {
    this.#bits = bits;
  }

  has(feature: Feature): boolean {
    return ((this.#bits >> BigInt(FEATURE[feature])) & 1n) === 1n;
  }

  /** Those of the list that are in both. */
  of(list: readonly Feature[]): Features {
    return new Features(
      list
        .filter((feature) => this.has(feature))
        .reduce((bits, feature) => bits | (1n << BigInt(FEATURE[feature])), 0n),
    );
  }

  word(index: number): number {
    return Number((this.#bits >> BigInt(32 * index)) & 0xffffffffn);
  }
}

/** What the card offers. */
export function offered({ common }: Transport): Features {
  const word = (index: number): bigint => {
    common.write32(R.DEVICE_FEATURE_SELECT, index);
    return BigInt(common.read32(R.DEVICE_FEATURE));
  };
  return new Features(word(0) | (word(1) << 32n));
}

/** Whether the card spreads packets over rings that we can set up. */
export const canSpread = (offer: Features): boolean => offer.has('CTRL_VQ') && offer.has('MQ');

/**
 * Agrees with the card on what both do (3.1.1, steps 4 to 6). `isolated`: it is behind an IOMMU and must use its
 * addresses. Throws NicshareError NotSupported.
 */
export function negotiate(
  transport: Transport,
  offer: Features,
  { rings, isolated }: { rings: number; isolated: boolean },
): Features {
  if (!offer.has('VERSION_1'))
    throw unsupported('is of a version before 1.0', 'QEMU: give the card disable-legacy=on');
  if (isolated && !offer.has('ACCESS_PLATFORM'))
    throw unsupported(
      'passes the IOMMU by, so that it cannot be driven by VFIO',
      'QEMU: give the card iommu_platform=on,disable-legacy=on',
    );
  const taken = offer.of(rings > 1 ? [...WANTED, ...FOR_RINGS] : WANTED);
  const { common } = transport;
  for (const index of [0, 1]) {
    common.write32(R.DRIVER_FEATURE_SELECT, index);
    common.write32(R.DRIVER_FEATURE, taken.word(index));
  }
  transport.addStatus(R.FEATURES_OK);
  if ((transport.status & R.FEATURES_OK) === 0)
    throw unsupported('refuses the features that it offered', 'Update what provides it');
  return taken;
}

const unsupported = (what: string, action: string): NicshareError =>
  new NicshareError('NotSupported', `The virtio-net card ${what}.`, `${action}.`);
