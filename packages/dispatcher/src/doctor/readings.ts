import type { InterfaceState, KernelTrial, XdpFeatures, XdpState } from '@nicshare/driver';

/** The capabilities that AF_XDP asks for (capabilities(7)). */
export const CAPABILITIES = {
  NET_ADMIN: 12,
  NET_RAW: 13,
  IPC_LOCK: 14,
  SYS_ADMIN: 21,
  PERFMON: 38,
  BPF: 39,
} as const;
export type Capability = keyof typeof CAPABILITIES;

/** What /proc, /sys and the process itself say. Nothing here needs a native library. */
export interface MachineReadings {
  /** '20.19.0' */
  readonly node: string;
  /** Version of the C library, or undefined where it is not glibc. */
  readonly glibc: string | undefined;
  /** Of Linux: '6.1.0-18-amd64'. */
  readonly kernel: string;
  /** Effective user. */
  readonly uid: number;
  readonly capabilities: ReadonlySet<Capability>;
  /** Pages of 2 MiB, or undefined where the kernel has none. Free ones are not reserved by anybody. */
  readonly hugepages: { readonly total: number; readonly free: number } | undefined;
  /** Soft limits, Infinity where there is none: bytes and descriptors. */
  readonly limits: {
    readonly lockedMemory: number;
    readonly openFiles: number;
    readonly addressSpace: number;
  };
  /** Whether BPF programs are compiled; undefined where the kernel does not say, as in other network namespaces. */
  readonly bpfCompiler: boolean | undefined;
  readonly iommuGroups: number;
  /** Names of this network namespace's interfaces, loopback left out. */
  readonly interfaces: readonly string[];
}

/** What a configuration takes of the machine. */
export interface Needs {
  readonly driver: string;
  /** Receive queues that af_xdp takes; 0 for other drivers. */
  readonly rings: number;
  /** Memory that the kernel counts as locked, in bytes. */
  readonly lockedMemory: number;
  /** Pages of 2 MiB with a client on every queue. */
  readonly hugepages: number;
  readonly hugepagePolicy: 'auto' | 'require' | 'never';
  readonly openFiles: number;
  /** Address space of the dispatcher's process, in bytes; the least part of it is memory. */
  readonly addressSpace: number;
  /** Longest MTU whose packets fit a frame, and the one with the largest frames. */
  readonly maxMtu: number;
  readonly largestMaxMtu: number;
}

export interface InterfaceReading {
  readonly name: string;
  /** Or why it cannot be read: the sentence of the error. */
  readonly state: Pick<InterfaceState, 'mtu' | 'up' | 'running' | 'rxQueues' | 'txQueues'> | string;
  readonly xdp?: XdpState;
  /** Undefined where the kernel does not say. */
  readonly features?: XdpFeatures | undefined;
  /** As configured. */
  readonly mode: 'auto' | 'native' | 'generic';
  readonly rings: number | 'all';
}

export interface SocketReading {
  readonly path: string;
  /** `stale`: left by a dispatcher that died; `closed`: it cannot be asked. */
  readonly state: 'free' | 'stale' | 'listening' | 'no socket' | 'closed' | 'too long';
  /** The folder, or where it does not exist its nearest parent that does. */
  readonly folder: {
    readonly path: string;
    readonly exists: boolean;
    readonly writable: boolean;
    /** It is a default one, which nobody else may write, and somebody else may. */
    readonly exposed: boolean;
  };
  /** Who may connect: all users, a group, this user alone, or root alone for lack of the group that stands here. */
  readonly access: 'all' | 'group' | 'own' | { readonly missing: string };
  /** Whether the kernel keeps clients from sending descriptors (SO_PASSRIGHTS, Linux 6.16). */
  readonly descriptorsRefused: boolean;
}

/** What the dispatcher's own code says, which needs koffi. */
export interface DispatcherReadings {
  /** The file that was asked for, and what is wrong with it. */
  readonly config: { readonly file: string; readonly error?: string } | undefined;
  readonly needs: Needs;
  /** Undefined where the configuration's device is not of the kernel. */
  readonly trial: KernelTrial | undefined;
  /** Undefined where none was named. */
  readonly interface: InterfaceReading | undefined;
  readonly socket: SocketReading;
  /** The interface of `unmatched: tap`; undefined where none is configured. */
  readonly exceptionPath?: {
    readonly name: string;
    /** Of /dev/net/tun, by which it is made. */
    readonly access: 'open' | 'missing' | 'closed';
    /** There is an interface of that name. */
    readonly taken: boolean;
  };
}

export interface Readings {
  readonly machine: MachineReadings;
  /** Or why the library that calls C (koffi) cannot be loaded. */
  readonly dispatcher: DispatcherReadings | string;
}
