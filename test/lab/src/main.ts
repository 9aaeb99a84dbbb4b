/*
 * lab.js [--nic MODEL] [--iommu] [--recent] [--processors N] [--memory MIB] -- COMMAND: boots a guest, runs the command in it,
 * prints what it printed and ends with its status.
 */
import { parseArgs } from 'node:util';
import { runInGuest } from './guest.js';
import { LabUnavailable } from './lab-error.js';
import { recentQemu } from './qemu.js';

const { values, positionals } = parseArgs({
  options: {
    nic: { type: 'string' },
    iommu: { type: 'boolean', default: false },
    recent: { type: 'boolean', default: false },
    processors: { type: 'string', default: '2' },
    memory: { type: 'string', default: '1024' },
  },
  allowPositionals: true,
});

try {
  const { status } = await runInGuest({
    command: positionals.join(' ') || 'uname -a; cat /sys/bus/pci/devices/*/uevent | grep PCI_ID',
    devices: values.nic === undefined ? [] : ['-nic', `user,model=${values.nic}`],
    iommu: values.iommu,
    ...(values.recent && { qemu: recentQemu() }),
    processors: Number(values.processors),
    memoryMiB: Number(values.memory),
    onLine: (line) => console.log(line),
  });
  process.exitCode = status ?? 99;
} catch (error) {
  if (!(error instanceof LabUnavailable)) throw error;
  console.error(`The lab cannot run here: ${error.message}`);
  process.exitCode = 98;
}
