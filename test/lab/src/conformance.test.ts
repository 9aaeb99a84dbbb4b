import { type ConformanceGroup, deviceConformance } from '@nicshare/driver/conformance';
import { runInGuest } from './guest.js';
import { labTests } from './lab-test.js';
import { installedQemu, type Qemu } from './qemu.js';

/** One run of the suite in a guest. */
interface Run {
  readonly driver: string;
  /** The card for QEMU, with its properties. */
  readonly model: string;
  /** The kernel's driver of it. */
  readonly module: string;
  readonly access: 'vfio' | 'uio' | 'sysfs';
  readonly rings: number;
  readonly qemu: () => Qemu;
}

interface Verdict {
  readonly title: string;
  readonly passed: boolean;
  readonly why?: string;
}

const VIRTIO = { driver: 'virtio-net', module: 'virtio_net', rings: 1, qemu: installedQemu };

const RUNS: readonly Run[] = [
  { driver: 'e1000e', model: 'e1000e', module: 'e1000e', access: 'vfio', rings: 1, qemu: installedQemu },
  { driver: 'e1000e', model: 'e1000e', module: 'e1000e', access: 'vfio', rings: 2, qemu: installedQemu },
  { driver: 'e1000e', model: 'e1000e', module: 'e1000e', access: 'uio', rings: 1, qemu: installedQemu },
  { driver: 'e1000e', model: 'e1000e', module: 'e1000e', access: 'sysfs', rings: 1, qemu: installedQemu },
  { ...VIRTIO, model: 'virtio-net-pci,iommu_platform=on,disable-legacy=on', access: 'vfio' },
  { ...VIRTIO, model: 'virtio-net-pci,disable-legacy=on', access: 'uio' },
  { ...VIRTIO, model: 'virtio-net-pci,disable-legacy=on', access: 'sysfs' },
];

/** Our drivers carry no rules out and tell no times; without interrupts nobody can sleep. */
const groupsOf = ({ access }: Run): ConformanceGroup[] => [
  ...(access === 'sysfs' ? [] : (['describesItself', 'sleeps'] as const)),
  'receives',
  'runsShort',
  'sends',
];

/** A cable between two cards of the guest; the second is the kernel's. */
const cards = (model: string): string[] => [
  ...['a', 'b'].flatMap((end) => ['-netdev', `hubport,id=${end},hubid=0`]),
  ...['-device', `${model},netdev=a,mac=52:54:00:12:34:56`],
  ...['-device', 'virtio-net-pci,netdev=b,mac=52:54:00:12:34:57'],
];

const command = (run: Run): string => `
  for module in ${run.module} virtio_pci virtio_net uio_pci_generic vfio-pci vfio_iommu_type1; do modprobe $module; done
  echo 64 > /proc/sys/vm/nr_hugepages; mkdir -p /dev/hugepages; mount -t hugetlbfs nodev /dev/hugepages
  for family in all default; do echo 1 > /proc/sys/net/ipv6/conf/$family/disable_ipv6; done
  ip link set eth1 promisc on
  node test/lab/dist/guest/conformance.js ${run.driver} ${run.access} ${run.rings} ${groupsOf(run).join(' ')}`;

async function verdicts(run: Run, qemu: Qemu): Promise<Map<string, Verdict>> {
  const iommu = run.access === 'vfio';
  const { output } = await runInGuest({ qemu, iommu, devices: cards(run.model), command: command(run) });
  const lines = output.split('\n').filter((line) => line.startsWith('{'));
  const read = lines.map((line): Verdict => JSON.parse(line));
  if (read.length === 0) throw new Error(`the suite did not run: ${output.slice(-2000)}`);
  return new Map(read.map((verdict) => [verdict.title, verdict]));
}

for (const run of RUNS) {
  const register = labTests(run.qemu);
  const name = `${run.driver}, ${run.access}, ${run.rings} ring${run.rings > 1 ? 's' : ''}`;
  let results: Promise<Map<string, Verdict>> | undefined;
  const titles: string[] = [];
  deviceConformance((title) => titles.push(title), 'card', notHere, groupsOf(run));
  for (const title of titles)
    register(title.replace('card', name), async (qemu, t) => {
      results ??= verdicts(run, qemu);
      const verdict = (await results).get(title);
      t.true(verdict?.passed, verdict?.why ?? 'it did not run');
    });
}

function notHere(): never {
  throw new Error('the suite runs in the guest');
}
