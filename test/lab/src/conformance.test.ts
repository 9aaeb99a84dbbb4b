import { type ConformanceGroup, deviceConformance } from '@nicshare/driver/conformance';
import { cable, prepareCable } from './cable.js';
import { runInGuest } from './guest.js';
import { labTests } from './lab-test.js';
import { installedQemu, type Qemu, recentQemu } from './qemu.js';

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
  { driver: 'igb', model: 'igb', module: 'igb', access: 'vfio', rings: 1, qemu: recentQemu },
  { driver: 'igb', model: 'igb', module: 'igb', access: 'vfio', rings: 8, qemu: recentQemu },
  { driver: 'igb', model: 'igb', module: 'igb', access: 'uio', rings: 1, qemu: recentQemu },
  { driver: 'igb', model: 'igb', module: 'igb', access: 'sysfs', rings: 16, qemu: recentQemu },
];

/** Our drivers carry no rules out and tell no times; without interrupts nobody can sleep. */
const groupsOf = ({ access }: Run): ConformanceGroup[] => [
  ...(access === 'sysfs' ? [] : (['describesItself', 'sleeps'] as const)),
  'receives',
  'runsShort',
  'sends',
];

const command = (run: Run): string => `${prepareCable(run.module)}
  node test/lab/dist/guest/conformance.js ${run.driver} ${run.access} ${run.rings} ${groupsOf(run).join(' ')}`;

async function verdicts(run: Run, qemu: Qemu): Promise<Map<string, Verdict>> {
  const iommu = run.access === 'vfio';
  const { output } = await runInGuest({ qemu, iommu, devices: cable(run.model), command: command(run) });
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
