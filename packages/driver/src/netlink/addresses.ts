import { isIPv4, isIPv6 } from 'node:net';
import { NicshareError } from '@nicshare/shm';
import { AF_INET, AF_INET6 } from '../sys.js';

const invalid = (what: string, text: string, example: string): NicshareError =>
  new NicshareError('InvalidArgument', `'${text}' is no ${what}.`, `Write it like ${example}.`);

/** An IP address as the kernel takes it: family and 4 or 16 bytes in network order. */
export interface IpBytes {
  readonly family: number;
  readonly bytes: Buffer;
}

function parseIpv6(text: string): Buffer {
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [head = '', tail] = text.split('::');
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const bytes = Buffer.alloc(16);
  before.forEach((group, index) => {
    bytes.writeUInt16BE(group, index * 2);
  });
  after.forEach((group, index) => {
    bytes.writeUInt16BE(group, 16 - (after.length - index) * 2);
  });
  return bytes;
}

/** Reads '10.0.0.1' or 'fd00::1' (in hexadecimal groups alone, without a zone). Throws NicshareError InvalidArgument. */
export function parseIp(text: string): IpBytes {
  if (isIPv4(text)) return { family: AF_INET, bytes: Buffer.from(text.split('.').map(Number)) };
  if (isIPv6(text) && !/[.%]/.test(text)) return { family: AF_INET6, bytes: parseIpv6(text) };
  throw invalid('IP address', text, '10.0.0.1 or fd00::1');
}

/** Reads '10.0.0.1/24' or 'fd00::1/64'. Throws NicshareError InvalidArgument. */
export function parsePrefix(text: string): IpBytes & { readonly length: number } {
  const [address = '', digits = ''] = text.split('/');
  const ip = parseIp(address);
  const length = Number(digits);
  if (!/^\d{1,3}$/.test(digits) || length > ip.bytes.length * 8)
    throw invalid('address with a prefix length', text, '10.0.0.1/24 or fd00::1/64');
  return { ...ip, length };
}

/** 4 or 16 bytes as text; an IPv6 address with all of its groups. */
export function formatIp(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  return Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(group * 2).toString(16)).join(':');
}

/** '10.0.0.1' of '10.0.0.1/24'. */
export const withoutPrefix = (text: string): string => text.split('/')[0]!;
