import { runInGuest } from './guest.js';
import { labTests } from './lab-test.js';
import { installedQemu, recentQemu } from './qemu.js';
import { Wire } from './wire.js';

const CARD = '525400123456';
const PEER = '020000000001';
/** Who has 10.9.0.1? Tell 10.9.0.2 (RFC 826). */
const ARP_REQUEST = `ffffffffffff${PEER}0806${'0001080006040001'}${PEER}0a090002${'000000000000'}0a090001`;
const ARP_REPLY = `${PEER}${CARD}0806${'0001080006040002'}${CARD}0a090001${PEER}0a090002`;
const ASK_MS = 200;

const onInstalled = labTests(installedQemu);
const onRecent = labTests(recentQemu);

onInstalled('the output and the status of a command come back', async (qemu, t) => {
  const command = 'node -e "console.log(6 * 7)"; ls packages/dispatcher/dist/dataplane.wasm; exit 3';
  const { status, output } = await runInGuest({ qemu, command });
  t.is(status, 3);
  t.is(output, '42\npackages/dispatcher/dist/dataplane.wasm\n');
});

for (const [model, register] of [
  ['e1000e', onInstalled],
  ['igb', onRecent],
] as const)
  register(`the kernel of a guest answers ARP through its ${model}`, async (qemu, t) => {
    const wire = await Wire.open();
    const asking = setInterval(() => wire.send(Buffer.from(ARP_REQUEST.padEnd(120, '0'), 'hex')), ASK_MS);
    const frames: string[] = [];
    wire.onFrame = (frame) => frames.push(frame.toString('hex'));
    try {
      const { status } = await runInGuest({
        qemu,
        devices: [...wire.netdev, '-device', `${model},netdev=wire0,mac=52:54:00:12:34:56`],
        command: `modprobe ${model}; ip address add 10.9.0.1/24 dev eth0; ip link set eth0 up
          for i in $(seq 100); do grep -q 1 /sys/class/net/eth0/carrier && break; sleep 0.2; done
          sleep 2; grep 10.9.0.2 /proc/net/arp`,
      });
      t.is(status, 0);
      t.true(frames.some((frame) => frame.startsWith(ARP_REPLY)));
    } finally {
      clearInterval(asking);
      await wire.close();
    }
  });

onRecent('a guest with an IOMMU has groups for VFIO', async (qemu, t) => {
  const { output } = await runInGuest({
    qemu,
    iommu: true,
    devices: ['-device', 'igb'],
    command: 'ls -d /sys/bus/pci/devices/*/iommu_group | wc -l',
  });
  t.true(Number(output) > 0, output);
});
