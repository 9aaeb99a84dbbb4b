import * as sys from '@nicshare/shm/sys';
import { libc, SYS_BPF } from '../sys.js';
import { INSTRUCTION_BYTES } from './assembler.js';

/*
 * bpf(2): each command reads its part of `union bpf_attr` (linux/bpf.h), whose offsets stand in the functions. Every
 * function throws SystemError. The descriptors that they return are closed on exec and belong to the caller.
 */

// enum bpf_cmd
const MAP_CREATE = 0;
const MAP_UPDATE_ELEM = 2;
const PROG_LOAD = 5;
const PROG_TEST_RUN = 10;
const LINK_CREATE = 28;
const LINK_UPDATE = 29;

const MAP_TYPE_XSKMAP = 17;
const PROG_TYPE_XDP = 6;
const ATTACH_TYPE_XDP = 37;

const VERIFIER_LOG_BYTES = 1 << 20;
const NAME_BYTES = 16;
const LICENSE = Buffer.from('GPL\0');

function bpf(command: number, attributes: Buffer, what: string): number {
  return sys.check(libc.bpf(SYS_BPF, command, attributes, attributes.length), `bpf(${what})`);
}

function writeAddress(attributes: Buffer, offset: number, bytes: Uint8Array): void {
  attributes.writeBigUInt64LE(BigInt(sys.addressOf(bytes)), offset);
}

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

/** Makes a map from the number of a hardware queue to an AF_XDP socket. */
export function createSocketMap(name: string, entries: number): number {
  const attributes = Buffer.alloc(72);
  attributes.writeUInt32LE(MAP_TYPE_XSKMAP, 0);
  attributes.writeUInt32LE(4, 4);
  attributes.writeUInt32LE(4, 8);
  attributes.writeUInt32LE(entries, 12);
  attributes.write(name.slice(0, NAME_BYTES - 1), 28);
  return bpf(MAP_CREATE, attributes, 'BPF_MAP_CREATE');
}

/** Puts a u32 value at a u32 key. */
export function updateMap(map: number, key: number, value: number): void {
  const keyBytes = u32(key);
  const valueBytes = u32(value);
  const attributes = Buffer.alloc(32);
  attributes.writeUInt32LE(map, 0);
  writeAddress(attributes, 8, keyBytes);
  writeAddress(attributes, 16, valueBytes);
  bpf(MAP_UPDATE_ELEM, attributes, 'BPF_MAP_UPDATE_ELEM');
}

/** Loads an XDP program. Where the kernel refuses it, the verifier's last words are part of the error. */
export function loadXdpProgram(name: string, instructions: Buffer): number {
  const attributes = Buffer.alloc(144);
  attributes.writeUInt32LE(PROG_TYPE_XDP, 0);
  attributes.writeUInt32LE(instructions.length / INSTRUCTION_BYTES, 4);
  writeAddress(attributes, 8, instructions);
  writeAddress(attributes, 16, LICENSE);
  attributes.write(name.slice(0, NAME_BYTES - 1), 48);
  attributes.writeUInt32LE(ATTACH_TYPE_XDP, 68);
  try {
    return bpf(PROG_LOAD, attributes, 'BPF_PROG_LOAD');
  } catch (error) {
    // Asked for the log at once, the kernel would write it for good programs too.
    const log = refusalLog(attributes);
    if (error instanceof Error && log !== '') error.message += `\n${log}`;
    throw error;
  }
}

function refusalLog(attributes: Buffer): string {
  const log = Buffer.alloc(VERIFIER_LOG_BYTES);
  attributes.writeUInt32LE(1, 24);
  attributes.writeUInt32LE(log.length, 28);
  writeAddress(attributes, 32, log);
  const fd = libc.bpf(SYS_BPF, PROG_LOAD, attributes, attributes.length);
  if (fd >= 0) sys.libc.close(fd);
  return log.toString('latin1', 0, log.indexOf(0)).trim().split('\n').slice(-20).join('\n');
}

/** Attaches an XDP program to an interface for as long as the returned descriptor is open. */
export function createXdpLink(program: number, ifindex: number, flags: number): number {
  const attributes = Buffer.alloc(48);
  attributes.writeUInt32LE(program, 0);
  attributes.writeUInt32LE(ifindex, 4);
  attributes.writeUInt32LE(ATTACH_TYPE_XDP, 8);
  attributes.writeUInt32LE(flags, 12);
  return bpf(LINK_CREATE, attributes, 'BPF_LINK_CREATE');
}

/** Replaces a link's program; a packet meets the old one or the new one. */
export function updateLink(link: number, program: number): void {
  const attributes = Buffer.alloc(48);
  attributes.writeUInt32LE(link, 0);
  attributes.writeUInt32LE(program, 4);
  bpf(LINK_UPDATE, attributes, 'BPF_LINK_UPDATE');
}

/** The kernel shows no shorter packet to an XDP program, neither here nor on an interface. */
export const MIN_XDP_PACKET = 14;

/**
 * Runs an XDP program once on a packet of receive queue 0; returns its verdict (enum xdp_action). The kernel refuses
 * packets shorter than MIN_XDP_PACKET and such as exceed a page.
 */
export function runXdpProgram(program: number, packet: Uint8Array): number {
  const input = Buffer.from(packet);
  const attributes = Buffer.alloc(80);
  attributes.writeUInt32LE(program, 0);
  attributes.writeUInt32LE(input.length, 8);
  writeAddress(attributes, 16, input);
  attributes.writeUInt32LE(1, 32);
  bpf(PROG_TEST_RUN, attributes, 'BPF_PROG_TEST_RUN');
  return attributes.readUInt32LE(4);
}
