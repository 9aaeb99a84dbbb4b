import { NO_COUNTERS } from '@nicshare/shm';
import test from 'ava';
import { account, addsUp, missing, summary } from './account.js';
import type { FlowTally } from './flow.js';

const ROLES = [
  { queue: 'echo', answers: true },
  { queue: 'rest', answers: false },
] as const;

interface Run {
  readonly echo?: Partial<FlowTally>;
  readonly counted?: number;
  readonly ringFull?: number;
  readonly device?: number;
}

/** 100 packets to each queue, all served where nothing else is said. */
function accountOf({ echo = {}, counted = 100, ringFull = 0, device = 0 }: Run) {
  const flow = { sent: 100, answered: 100, unexpected: 0 };
  const queue = (name: string, rxDropRingFull: number) => ({
    name,
    mode: 'isolated',
    match: 'any' as const,
    priority: 1,
    client: null,
    totals: { ...NO_COUNTERS, rxDropRingFull },
    dropNoClient: 0,
    violations: 0,
    latency: null,
  });
  return account(
    ROLES,
    { echo: { ...flow, ...echo }, rest: { ...flow, answered: 0 } },
    { echo: { received: 100, ignored: 0, backPressure: 0 }, rest: { received: counted } },
    {
      queues: [queue('echo', ringFull), queue('rest', 0)],
      deviceCounters: { rxDropped: { ringFull: device }, txDropped: {} },
    },
  );
}

test('it adds up where every packet was answered or counted', (t) => {
  const result = accountOf({});
  t.true(addsUp(result));
  t.deepEqual(result.queues.map(missing), [0, 0]);
});

test('a drop explains a missing answer, and its reason is named', (t) => {
  const result = accountOf({ echo: { answered: 97 }, ringFull: 3 });
  t.true(addsUp(result));
  t.true(summary(result, 'sent').includes('echo: 3 dropped, ring full'));
});

test('what the device lost explains as many packets, no more and no fewer', (t) => {
  t.true(addsUp(accountOf({ echo: { answered: 98 }, counted: 99, device: 3 })));
  t.false(addsUp(accountOf({ echo: { answered: 98 }, device: 3 })));
  t.false(addsUp(accountOf({ echo: { answered: 96 }, device: 3 })));
});

test('it does not add up where a packet is missing, was counted twice, or came back unasked', (t) => {
  for (const run of [{ counted: 99 }, { counted: 101 }, { echo: { unexpected: 1 } }]) {
    const result = accountOf(run);
    t.false(addsUp(result));
    t.true(summary(result, 'sent').at(-1)!.startsWith('IT DOES NOT ADD UP'));
  }
});
