import { FileWindow } from './file-window.js';
import { type CaptureSummary, captureInvalid, type TakePacket } from './packet.js';
import { isPcap, readPcap } from './pcap.js';
import { isPcapng, readPcapng } from './pcapng.js';

/**
 * Reads a capture in pcap (both byte orders, microseconds or nanoseconds) or pcapng and hands each packet over. What
 * is damaged behind its header is read up to there, and the summary says so. Throws NicshareError FileNotFound,
 * NotPermitted, InvalidArgument (no regular file) or CaptureInvalid (no capture, or a broken header).
 *
 * The code is our own because npm has no kept-up library for both formats: pcap-parser (of 2012) reads pcap alone,
 * pcap-ng-parser (1.0.0) pcapng alone, both as streams of events, and neither writes.
 */
export function readCapture(path: string, take: TakePacket): CaptureSummary {
  const file = new FileWindow(path);
  try {
    return readFile(file, take);
  } finally {
    file.close();
  }
}

function readFile(file: FileWindow, take: TakePacket): CaptureSummary {
  if (file.size === 0) throw captureInvalid(file.path, 'is empty');
  const magic = file.view(0, 4);
  const format = magic === undefined ? undefined : isPcap(magic) ? 'pcap' : isPcapng(magic) && 'pcapng';
  if (!format) throw captureInvalid(file.path, 'is no capture');
  let packets = 0;
  const damage = (format === 'pcap' ? readPcap : readPcapng)(file, (packet) => {
    packets++;
    take(packet);
  });
  return { format, packets, damage };
}
