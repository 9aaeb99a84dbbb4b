/*
 * reach-card.js WAY: opens the guest's card, an Intel one, reads its MAC address from its registers, has memory that it
 * reaches, and gives it back to the kernel. Prints what it found as JSON.
 */
import { networkFunctions, openPciCard, type PciWay, readFunction } from '@nicshare/driver/pci';
import { Arena } from '@nicshare/shm';

/** Receive Address Low and High (Intel 82574 datasheet, 10.2.5.20). */
const RAL = 0x5400;
const RAH = 0x5404;

const [address] = networkFunctions().map((card) => card.address);
const before = readFunction(address!).driver;
const arena = Arena.create(64 << 20, { shared: true });
const notes: string[] = [];
const card = openPciCard(
  { address: address!, way: process.argv[2] as PciWay | 'auto', force: false },
  { arena, hugepages: 'auto', note: (line) => notes.push(line) },
);
const { way } = card;
try {
  const held = readFunction(address!).driver ?? 'none';
  const bar = card.mapBar(0);
  const registers = new Uint32Array(arena.memory.buffer, bar.offset, bar.bytes / 4);
  const mac = Buffer.alloc(8);
  mac.writeUInt32LE(registers[RAL / 4]!, 0);
  mac.writeUInt32LE(registers[RAH / 4]!, 4);
  const memory = card.allocate('probe', 3 << 20);
  const iovas = [0, 4096, 2 << 20].map((at) => card.iova(memory.offset + at));
  const vectors = card.interrupts.count;
  card.forgetPredecessor();
  console.log(
    JSON.stringify({
      way,
      held,
      before,
      mac: mac.toString('hex', 0, 6),
      vectors,
      iovas,
      notes,
      pages: memory.pageSize,
    }),
  );
} finally {
  card.close();
  console.log(`back: ${readFunction(address!).driver}`);
}
