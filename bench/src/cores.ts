import { runPeer } from './processes.js';

/** How far apart the two cores are just now; `unknown` where there is no C compiler to build the probe. */
export type CoreState = 'near' | 'far' | 'unknown';

/** A cache line's round trip in nanoseconds from which on two cores count as far apart. */
export const FAR_NS = 300;

export async function probeCores(): Promise<CoreState> {
  const { roundTripNs } = await runPeer('cores', { rounds: 5000 });
  return roundTripNs! < FAR_NS ? 'near' : 'far';
}
