/*
 * The whole way on a card that the dispatcher owns: the command, applications without rights, and we as the far end of
 * the cable. NICSHARE_LAB_FRAMES is how many frames of each size are echoed, NICSHARE_LAB_KILLS how often the
 * dispatcher is killed, NICSHARE_LAB_WAYS the ways to the card, parted by commas.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { arpRequest, isArpReply, isPong, ping } from './frames.js';
import { labTests } from './lab-test.js';
import { type Access, OwnedCard } from './owned-card.js';
import { installedQemu } from './qemu.js';

const FRAMES = Number(process.env.NICSHARE_LAB_FRAMES ?? 10_000);
const KILLS = Number(process.env.NICSHARE_LAB_KILLS ?? 3);
/** By uio a sleeping dispatcher is woken for nothing after heavy traffic (docs/cards.md). */
const WAYS = (process.env.NICSHARE_LAB_WAYS ?? 'vfio').split(',') as Access[];
const KEPT_BUSY_MS = 300;
/** Enough for hundreds of thousands of frames and fifty kills. */
const PATIENCE_MS = 3_600_000;
const onGuest = labTests(installedQemu);

async function echoes(card: OwnedCard, t: ExecutionContext): Promise<void> {
  for (const bytes of [64, 1514]) {
    const start = performance.now();
    const found = await card.peer.exchange({ frames: FRAMES, bytes });
    t.deepEqual(found, { sent: FRAMES, echoed: FRAMES, doubled: 0, disordered: 0, damaged: 0 });
    t.log(`${FRAMES} frames of ${bytes} bytes in ${Math.round(performance.now() - start)} ms`);
  }
}

/** A dispatcher that polled would take the whole time. */
async function wakes(card: OwnedCard, t: ExecutionContext): Promise<void> {
  const before = await card.processorTime();
  const start = performance.now();
  const found = await card.peer.exchange({ frames: 100, bytes: 64, pauseMs: 50 });
  const taken = (await card.processorTime()) - before;
  const passed = performance.now() - start;
  t.deepEqual(found, { sent: 100, echoed: 100, doubled: 0, disordered: 0, damaged: 0 });
  t.log(`100 single frames: ${taken} ms of the processor in ${Math.round(passed)} ms`);
  t.true(taken < passed / 3, `${taken} ms of ${passed}`);
}

async function answersForItsKernel(card: OwnedCard, t: ExecutionContext): Promise<void> {
  await t.notThrowsAsync(card.peer.ask(arpRequest(), isArpReply));
  for (let sequence = 1; sequence <= 5; sequence++)
    await t.notThrowsAsync(card.peer.ask(ping(sequence), (frame) => isPong(frame, sequence)));
}

async function survivesKills(card: OwnedCard, access: Access, t: ExecutionContext): Promise<void> {
  for (let round = 0; round < KILLS; round++) {
    const stopFlood = card.peer.flood(round % 2 ? 64 : 1514);
    await sleep(KEPT_BUSY_MS);
    const { intact, left, now } = await card.killAndRestart();
    stopFlood();
    t.true(intact, `memory was written that is not the card's, round ${round}`);
    t.is(left.length > 0, access !== 'vfio', 'without an IOMMU device memory outlives its process');
    t.true(now.length <= left.length, 'and its successor frees it');
    await card.peer.settle();
    const found = await card.peer.exchange({ frames: 500, bytes: 1514 });
    t.deepEqual(found, { sent: 500, echoed: 500, doubled: 0, disordered: 0, damaged: 0 });
  }
}

for (const access of WAYS)
  onGuest(
    `e1000e by ${access}: nothing is lost, doubled or damaged on the whole way, and kills are survived`,
    async (qemu, t) => {
      t.timeout(PATIENCE_MS);
      const card = await OwnedCard.boot(qemu, 'e1000e', access);
      try {
        await answersForItsKernel(card, t);
        await echoes(card, t);
        if (access !== 'sysfs') await wakes(card, t);
        await survivesKills(card, access, t);
      } finally {
        const { status, intact, left, driver } = await card.stop();
        t.deepEqual({ status, intact, left }, { status: 0, intact: true, left: [] });
        t.true(driver === 'e1000e' || driver === undefined, driver);
      }
    },
  );
