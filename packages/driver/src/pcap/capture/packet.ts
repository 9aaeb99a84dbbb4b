import { NicshareError } from '@nicshare/shm';

/** Ethernet (draft-ietf-opsawg-pcaplinktype). */
export const LINKTYPE_ETHERNET = 1;

/** Bytes of a packet that a reader shows; libpcap captures no longer ones (MAXIMUM_SNAPLEN). */
export const MAX_CAPTURED = 262144;

/** A packet of a capture. */
export interface CapturedPacket {
  /** Its first bytes, all that were captured up to MAX_CAPTURED; valid until the call that hands it over returns. */
  readonly bytes: Buffer;
  /** Bytes that were captured. */
  readonly capturedLength: number;
  /** Bytes that it had on the wire. */
  readonly originalLength: number;
  /** Nanoseconds since 1970; undefined where the file does not say. */
  readonly time: bigint | undefined;
  readonly linkType: number;
}

export type TakePacket = (packet: CapturedPacket) => void;

/** What a file turned out to be. */
export interface CaptureSummary {
  readonly format: 'pcap' | 'pcapng';
  /** Packets that were handed over. */
  readonly packets: number;
  /** Where the file could not be read any further, in words; undefined where it was read to its end. */
  readonly damage: string | undefined;
}

/** A file whose very beginning is no capture that can be read. */
export const captureInvalid = (path: string, why: string): NicshareError =>
  new NicshareError(
    'CaptureInvalid',
    `The file ${path} ${why}.`,
    'Name a capture in pcap or pcapng, as tcpdump -w and Wireshark write it.',
  );
