import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createDispatcher, type Dispatcher } from '@nicshare/dispatcher';
import { QUIET_MS, type TrafficTally } from './flow.js';
import { Replayed } from './replayed.js';
import { configuration, ROLES } from './scenario.js';
import type { Stage, StageOptions } from './stage.js';

/** What tcpdump saw at the far side of the veth stage. */
const CAPTURE = fileURLToPath(new URL('../../captures/demo.pcap', import.meta.url));
const LOOK_MS = 20;
/** Of the veth stage's senders together. */
const PACKETS_PER_SECOND = ROLES.reduce((sum, role) => sum + role.packetsPerSecond, 0);
/** The answers lie on a disk: a long demo takes more time over as many packets. */
const MOST_PACKETS = 2_000_000;

/** A dispatcher in this very process that replays a capture, on and on; whoever may do nothing may do this. */
export async function openReplayStage({ directory, seconds, cleanup, say }: StageOptions): Promise<Stage> {
  const record = join(directory, 'sent.pcapng');
  const rate = Math.min(PACKETS_PER_SECOND, MOST_PACKETS / seconds);
  const options = configuration(directory, {
    driver: 'pcap',
    file: CAPTURE,
    rate,
    loop: true,
    start: 'attached',
    record,
  });
  const dispatcher = await createDispatcher(options, (line) => say(`note: ${line}`));
  cleanup.defer(() => dispatcher.close());
  say(`ready: ${ROLES.length} queues at ${dispatcher.socketPath}`);
  const failed = new Promise<never>((_, reject) => dispatcher.once('failed', reject));
  failed.catch(() => {});
  return {
    socket: dispatcher.socketPath,
    verb: 'replayed',
    stats: () => dispatcher.stats(),
    // It began when the last client attached.
    startTraffic: async () => {},
    stopTraffic: () => stop(dispatcher, record),
    failed,
  };
}

async function stop(dispatcher: Dispatcher, record: string): Promise<TrafficTally> {
  await dispatcher.stopReceiving();
  const { plane } = await dispatcher.stats();
  const replayed = new Replayed(CAPTURE, plane.received);
  await untilSent(dispatcher, replayed.toAnswer);
  replayed.readAnswers(record);
  return replayed.tally;
}

/** Until so many packets were sent, or none has been for a while; then all that were are recorded. */
async function untilSent(dispatcher: Dispatcher, packets: number): Promise<void> {
  let sent = (await dispatcher.stats()).plane.sent;
  let quietSince = performance.now();
  while (sent < packets && performance.now() - quietSince < QUIET_MS) {
    await delay(LOOK_MS);
    const before = sent;
    sent = (await dispatcher.stats()).plane.sent;
    if (sent !== before) quietSince = performance.now();
  }
  // The device answers after it has recorded what was sent before it was asked.
  await dispatcher.stats();
}
