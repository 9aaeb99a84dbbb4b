import { setTimeout as delay } from 'node:timers/promises';
import { type Account, account, addsUp, missing, summary } from './account.js';
import { Clients } from './clients.js';
import type { TrafficTally } from './flow.js';
import { liveTable } from './live-table.js';
import { ROLES } from './scenario.js';
import type { Screen } from './screen.js';
import type { Stage, StageOptions } from './stage.js';

const REFRESH_MS = 1000;
const LOOK_MS = 20;
/** Packets that do not reach a client within this time do not come any more. */
const QUIET_MS = 300;
/** Where one part's end makes others fail, all are known after this time; the one that others depend on is named. */
const CAUSE_MS = 300;

export interface DemoOptions extends Pick<StageOptions, 'cleanup'> {
  readonly seconds: number;
  /** Aborted by Ctrl-C. */
  readonly stop: AbortSignal;
  readonly screen: Screen;
}

/** Runs the demo on a stage; returns whether all packets are accounted for. Throws where a part of it ends early. */
export async function runDemo(stage: Stage, options: DemoOptions): Promise<boolean> {
  const clients = Clients.start(stage.socket, options);
  const failure = new AbortController();
  const playing = play(stage, clients, options, failure.signal);
  try {
    const result = await Promise.race([playing, stage.failed, clients.failed]);
    options.screen.keep();
    for (const line of ['', ...summary(result, stage.verb)]) options.screen.say(line);
    return addsUp(result);
  } catch (error) {
    failure.abort();
    await Promise.allSettled([playing, delay(CAUSE_MS)]);
    throw (await reasonOf(stage.failed)) ?? (await reasonOf(clients.failed)) ?? error;
  }
}

/** Why a promise has been rejected; undefined where it has not. */
const reasonOf = (failed: Promise<never>): Promise<unknown> =>
  Promise.race([failed.catch((error: unknown) => error), delay(0)]);

async function play(
  stage: Stage,
  clients: Clients,
  { seconds, stop, screen }: DemoOptions,
  failure: AbortSignal,
): Promise<Account> {
  await clients.attached(stage, failure);
  await stage.startTraffic();
  await showTable(stage, { seconds, screen, stop: AbortSignal.any([stop, failure]) });
  const sent = await stage.stopTraffic();
  failure.throwIfAborted();
  return await settled(stage, clients, sent);
}

/** Until the time is over or the spectator has seen enough. */
async function showTable(
  stage: Stage,
  { seconds, stop, screen }: Omit<DemoOptions, 'cleanup'>,
): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  let before = await stage.stats();
  for (let left = seconds * 1000; left > 0 && !stop.aborted; left = deadline - performance.now()) {
    await pause(Math.min(left, REFRESH_MS), stop);
    const after = await stage.stats();
    screen.show(liveTable(before, after));
    before = after;
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => {});

/** The account once nothing changes any more: packets may still be on their way to a client that counts. */
async function settled(stage: Stage, clients: Clients, sent: TrafficTally): Promise<Account> {
  const look = async (): Promise<Account> =>
    account(ROLES, sent, await clients.tallies(), await stage.stats());
  const served = ({ queues }: Account): number => queues.reduce((all, queue) => all + queue.served, 0);
  let result = await look();
  let quietSince = performance.now();
  while (result.queues.some((queue) => missing(queue) > 0) && performance.now() - quietSince < QUIET_MS) {
    await delay(LOOK_MS);
    const next = await look();
    if (served(next) !== served(result)) quietSince = performance.now();
    result = next;
  }
  return result;
}
