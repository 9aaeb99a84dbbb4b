import { layout, NicshareError } from '@nicshare/shm';
import { type CapturedPacket, LINKTYPE_ETHERNET } from './capture/packet.js';
import { readCapture } from './capture/read.js';

/** What a capture holds for a device. */
export interface Survey {
  /** Packets that can be replayed. */
  readonly packets: number;
  /** Packets that cannot: shorter than an Ethernet header, or longer than a frame. */
  readonly runts: number;
  readonly tooLong: number;
  /** Of `packets`: those of which the capture holds only the beginning. */
  readonly cut: number;
  /** Where the file could not be read any further. */
  readonly damage: string | undefined;
}

const isRunt = ({ capturedLength }: CapturedPacket): boolean => capturedLength < layout.ETHERNET_HEADER;

/** Whether a packet of a capture can be replayed in frames of a size. */
export const isReplayable = (packet: CapturedPacket, frameSize: number): boolean =>
  !isRunt(packet) && packet.capturedLength <= frameSize;

/** Looks a capture through. Throws NicshareError as readCapture does, and CaptureInvalid where it is not Ethernet. */
export function surveyCapture(path: string, frameSize: number): Survey {
  const counts = { packets: 0, runts: 0, tooLong: 0, cut: 0 };
  const { damage } = readCapture(path, (packet) => {
    if (packet.linkType !== LINKTYPE_ETHERNET) throw notEthernet(path, packet.linkType);
    if (isReplayable(packet, frameSize)) {
      counts.packets++;
      if (packet.capturedLength < packet.originalLength) counts.cut++;
    } else if (isRunt(packet)) counts.runts++;
    else counts.tooLong++;
  });
  return { ...counts, damage };
}

const notEthernet = (path: string, linkType: number): NicshareError =>
  new NicshareError(
    'CaptureInvalid',
    `The capture ${path} has packets of link type ${linkType}; only Ethernet (${LINKTYPE_ETHERNET}) can be replayed.`,
    "Capture on one Ethernet interface (tcpdump -i eth0 -w FILE), not on 'any' or a tunnel.",
  );

/** What an operator has to know of a capture, a line each. */
export function remarks(path: string, survey: Survey, frameSize: number): string[] {
  const { packets, runts, tooLong, cut, damage } = survey;
  const lines: string[] = [];
  if (damage !== undefined)
    lines.push(`${path} is damaged: ${damage}. What stands before is replayed: ${packets} packets.`);
  if (runts > 0)
    lines.push(
      `${path}: ${runts} packets are left out, for they are shorter than an Ethernet header (${layout.ETHERNET_HEADER} bytes).`,
    );
  if (tooLong > 0)
    lines.push(
      `${path}: ${tooLong} packets are left out, for they do not fit a frame of ${frameSize} bytes; memory.frameSize sets it.`,
    );
  if (cut > 0)
    lines.push(
      `${path}: of ${cut} packets only the beginning was captured, and is replayed; tcpdump -s 0 takes all.`,
    );
  if (packets === 0) lines.push(`${path} has no packets to replay: nothing will come.`);
  return lines;
}
