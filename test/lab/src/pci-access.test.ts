import { runInGuest } from './guest.js';
import { labTests } from './lab-test.js';
import { installedQemu } from './qemu.js';

interface Reached {
  readonly way: string;
  readonly held: string;
  readonly before: string;
  readonly mac: string;
  readonly vectors: number;
  readonly iovas: readonly [number, number, number];
  readonly notes: readonly string[];
  readonly pages: number;
}

const onGuest = labTests(installedQemu);
const CARD = ['-nic', 'user,model=e1000e,mac=52:54:00:12:34:56'];
const MODULES = 'for module in e1000e uio_pci_generic vfio-pci vfio_iommu_type1; do modprobe $module; done';
const HUGEPAGES =
  'echo 16 > /proc/sys/vm/nr_hugepages; mkdir -p /dev/hugepages; mount -t hugetlbfs nodev /dev/hugepages';
const reach = (way: string): string => `node test/lab/dist/guest/reach-card.js ${way} 2>&1`;
const readAll = (output: string): Reached[] =>
  output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));

const EXPECTED = {
  vfio: ['vfio', 'vfio-pci', 5],
  uio: ['uio', 'uio_pci_generic', 1],
  sysfs: ['sysfs', 'none', 0],
} as const;

for (const [iommu, ways] of [
  [true, ['vfio']],
  [false, ['uio', 'sysfs']],
] as const)
  onGuest(`a card is reached by ${ways.join(' and ')}, and goes back to the kernel`, async (qemu, t) => {
    const command = [MODULES, HUGEPAGES, ...ways.map(reach), 'ls /dev/hugepages/nicshare | wc -l'].join('\n');
    const { output } = await runInGuest({ qemu, devices: CARD, iommu, command });
    const reached = readAll(output);
    t.deepEqual(
      reached.map(({ way, held, vectors }) => [way, held, vectors]),
      ways.map((way) => [...EXPECTED[way]]),
      output,
    );
    t.is(output.match(/^back: e1000e$/gm)?.length, ways.length);
    for (const { before, mac, iovas, pages } of reached) {
      t.is(before, 'e1000e');
      t.is(mac, '525400123456');
      t.is(iovas[1] - iovas[0], 4096);
      t.is(pages, 2097152);
    }
    t.is(output.trim().split('\n').at(-1), '0', 'no file of device memory is left');
  });

onGuest('behind an IOMMU that translates, VFIO is taken, and the other ways are refused', async (qemu, t) => {
  const command = [MODULES, HUGEPAGES, reach('auto'), reach('uio')].join('\n');
  const { output } = await runInGuest({ qemu, devices: CARD, iommu: true, command });
  t.is(readAll(output)[0]?.way, 'vfio', output);
  t.regex(output, /NotSupported: The card 0000:\S+ cannot be reached by uio: an IOMMU translates/);
});

onGuest('without an IOMMU a card is reached by UIO, with a note of what that means', async (qemu, t) => {
  const command = [MODULES, HUGEPAGES, reach('auto'), reach('vfio')].join('\n');
  const { output } = await runInGuest({ qemu, devices: CARD, command });
  const [reached] = readAll(output);
  t.is(reached?.way, 'uio', output);
  t.regex(reached!.notes.join(), /no IOMMU.*Nothing keeps it from memory/s);
  t.regex(output, /NotSupported: The card 0000:\S+ cannot be reached by vfio: no IOMMU/);
});

onGuest(
  'a card is left alone where the kernel uses it, or where there is no memory for it',
  async (qemu, t) => {
    const command = [
      MODULES,
      reach('sysfs'),
      'mkdir -p /dev/hugepages; mount -t hugetlbfs nodev /dev/hugepages',
      reach('sysfs'),
      'ip address add 10.0.0.1/24 dev eth0; ip link set eth0 up',
      reach('uio'),
      'basename $(readlink /sys/class/net/eth0/device/driver)',
    ].join('\n');
    const { output } = await runInGuest({ qemu, devices: CARD, command });
    t.regex(output, /OutOfMemory: No file system for 2 MiB pages is mounted/);
    t.regex(output, /OutOfMemory: No 2 MiB pages for \d+ bytes/);
    t.regex(output, /InterfaceTaken: The kernel uses the card \S+ as eth0, with the address 10\.0\.0\.1/);
    t.is(output.trim().split('\n').at(-1), 'e1000e');
  },
);
