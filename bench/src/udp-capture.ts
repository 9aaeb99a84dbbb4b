import { writeFileSync } from 'node:fs';

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const IPV4_HEADER = 14;
const UDP_HEADER = IPV4_HEADER + 20;

/** Writes a pcap file (draft-ietf-opsawg-pcap) of UDP packets with random addresses and source ports, without checksums. */
export function writeUdpCapture(
  path: string,
  { packets, packetSize, port }: { packets: number; packetSize: number; port: number },
): void {
  const file = Buffer.alloc(FILE_HEADER + packets * (RECORD_HEADER + packetSize));
  [0xa1b2c3d4, 0x00040002, 0, 0, packetSize, 1].forEach((word, index) => {
    file.writeUInt32LE(word, index * 4);
  });
  for (let i = 0; i < packets; i++) {
    const record = FILE_HEADER + i * (RECORD_HEADER + packetSize);
    file.writeUInt32LE(packetSize, record + 8);
    file.writeUInt32LE(packetSize, record + 12);
    writePacket(file.subarray(record + RECORD_HEADER, record + RECORD_HEADER + packetSize), port);
  }
  writeFileSync(path, file);
}

/** Ethernet II, RFC 791, RFC 768. */
function writePacket(packet: Buffer, port: number): void {
  packet.write('0200000000020200000000010800', 'hex');
  packet[IPV4_HEADER] = 0x45;
  packet.writeUInt16BE(packet.length - IPV4_HEADER, IPV4_HEADER + 2);
  packet[IPV4_HEADER + 8] = 64;
  packet[IPV4_HEADER + 9] = 17;
  packet.writeUInt32BE(random(), IPV4_HEADER + 12);
  packet.writeUInt32BE(random(), IPV4_HEADER + 16);
  packet.writeUInt16BE(random() & 0xffff, UDP_HEADER);
  packet.writeUInt16BE(port, UDP_HEADER + 2);
  packet.writeUInt16BE(packet.length - UDP_HEADER, UDP_HEADER + 4);
}

const random = (): number => Math.floor(Math.random() * 2 ** 32);
