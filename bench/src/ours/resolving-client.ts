/** Looks next hops up in the snapshot; tells the nanoseconds of a lookup. */
import { connect } from '@nicshare/client';
import { nowNs, settings, tell } from './parent.js';

export interface ResolvingSettings {
  readonly socket: string;
  /** All of them known. */
  readonly addresses: readonly string[];
  readonly lookups: number;
}

const { socket, addresses, lookups } = settings<ResolvingSettings>();
const client = await connect({ socket });
const resolver = await client.resolver();
await tell({ ready: true });

/** Nanoseconds a lookup, of addresses in a random order that is the same in every run. */
function measured(count: number): number {
  const order = Uint32Array.from(
    { length: count },
    (_, i) => (Math.imul(i + 1, 0x9e3779b1) >>> 0) % addresses.length,
  );
  let sum = 0;
  const begin = nowNs();
  for (let i = 0; i < count; i++) sum += resolver.lookup(addresses[order[i]!]!)!.mtu;
  const took = (nowNs() - begin) / count;
  if (sum !== 1500 * count) throw new Error('A lookup has found something else.');
  return took;
}

/** A text as it comes from a socket or a file: in one piece, not yet put together by the runtime. */
const flat = (text: string): string => Buffer.from(text).toString('latin1');

/** The same for addresses that were never looked up before, all behind one gateway. */
function measuredFirst(from: number, count: number): number {
  const fresh = Array.from({ length: count }, (_, i) => flat(`10.92.${(from + i) >> 8}.${(from + i) & 255}`));
  const begin = nowNs();
  for (const address of fresh) resolver.lookup(address);
  return (nowNs() - begin) / count;
}

measured(lookups / 10);
const known = measured(lookups);
measuredFirst(0, 10_000);
const first = measuredFirst(10_000, 50_000);
await tell({ known, first });
await client.close();
process.disconnect();
