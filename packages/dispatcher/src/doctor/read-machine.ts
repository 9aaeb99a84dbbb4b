import { readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { CAPABILITIES, type Capability, type MachineReadings } from './readings.js';

const BPF_COMPILER = '/proc/sys/net/core/bpf_jit_enable';
const HUGEPAGES = '/sys/kernel/mm/hugepages/hugepages-2048kB';

function optional<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

const text = (file: string): string => readFileSync(file, 'utf8').trim();

/** The effective capabilities in /proc/PID/status (proc(5)). */
export function capabilitiesIn(status: string): Set<Capability> {
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  const mask = BigInt(`0x${hex}`);
  const names = Object.keys(CAPABILITIES) as Capability[];
  return new Set(names.filter((name) => (mask >> BigInt(CAPABILITIES[name])) & 1n));
}

/** A soft limit in /proc/PID/limits (proc(5)). */
export function limitIn(limits: string, title: string): number {
  const soft = new RegExp(`^${title} +(\\S+)`, 'm').exec(limits)?.[1];
  return soft === undefined || soft === 'unlimited' ? Infinity : Number(soft);
}

/** The names in /proc/net/dev, which is that of the caller's network namespace. */
export const interfacesIn = (table: string): string[] =>
  [...table.matchAll(/^\s*(\S+):/gm)].map((line) => line[1]!).filter((name) => name !== 'lo');

function hugepages(): MachineReadings['hugepages'] {
  const read = (name: string): number => Number(text(`${HUGEPAGES}/${name}`));
  return optional(() => ({
    total: read('nr_hugepages'),
    free: read('free_hugepages') - read('resv_hugepages'),
  }));
}

function glibc(): string | undefined {
  const { report } = process;
  // Without this the report looks up the names of all peers.
  Object.assign(report, { excludeNetwork: true });
  const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime;
}

/** Reads the machine and this process. What a system does not show reads as if it were not there. */
export function readMachine(): MachineReadings {
  const limits = text('/proc/self/limits');
  return {
    node: process.versions.node,
    glibc: glibc(),
    kernel: release(),
    uid: process.geteuid!(),
    capabilities: capabilitiesIn(text('/proc/self/status')),
    hugepages: hugepages(),
    limits: {
      lockedMemory: limitIn(limits, 'Max locked memory'),
      openFiles: limitIn(limits, 'Max open files'),
      addressSpace: limitIn(limits, 'Max address space'),
    },
    bpfCompiler: optional(() => text(BPF_COMPILER) !== '0'),
    iommuGroups: optional(() => readdirSync('/sys/kernel/iommu_groups').length) ?? 0,
    interfaces: interfacesIn(text('/proc/self/net/dev')),
  };
}
