import {
  createDispatcher,
  type Dispatcher,
  type DispatcherOptions,
  type QueueStats,
} from '@nicshare/dispatcher';
import { FakeWire, type FakeWireDescription } from '@nicshare/driver';
import type { ExecutionContext } from 'ava';
import { scratchSocket } from './scratch.js';

/** Destination ports of the queues `one`, `two` and `three`. */
export const PORTS = { one: 1001, two: 1002, three: 1003 } as const;
export type QueueName = keyof typeof PORTS;

export const queues = (): DispatcherOptions['queues'] =>
  Object.entries(PORTS).map(([name, destinationPort]) => ({
    name,
    match: { protocol: 'udp', destinationPort },
  }));

/** The same, in mode `shared`. */
export const sharedQueues = (credit: number): DispatcherOptions['queues'] =>
  queues().map((queue) => ({ ...queue, mode: 'shared', credit }));

/** A dispatcher in this process, on a fake device whose far side is `wire`. */
export interface FakeHost {
  readonly dispatcher: Dispatcher;
  readonly wire: FakeWire;
  readonly socket: string;
  /** What the dispatcher said to its operator. */
  readonly notes: readonly string[];
  /** Clients that have attached so far. */
  readonly attached: number;
  queue(name: string): Promise<QueueStats>;
}

/** Options of a small dispatcher whose socket all users may open. */
export const fakeOptions = (socket: string, options: Partial<DispatcherOptions> = {}): DispatcherOptions => ({
  device: { driver: 'fake' },
  queues: queues(),
  ...options,
  socket: { path: socket, mode: '0666', ...options.socket },
  memory: { ringSize: 64, frames: 128, hugepages: 'never', ...options.memory },
});

/** Starts one; it ends with the test. */
export async function startFake(
  t: ExecutionContext,
  options: Partial<DispatcherOptions> = {},
  socket = scratchSocket(t),
): Promise<FakeHost> {
  const notes: string[] = [];
  const dispatcher = await createDispatcher(fakeOptions(socket, options), (line) => notes.push(line));
  const wire = new FakeWire(dispatcher.wire.memory, dispatcher.wire.description as FakeWireDescription);
  let attached = 0;
  dispatcher.on('attached', () => {
    attached++;
  });
  t.teardown(async () => {
    wire.close();
    await dispatcher.close();
  });
  const queue = async (name: string): Promise<QueueStats> => {
    const found = (await dispatcher.stats()).queues.find((candidate) => candidate.name === name);
    if (!found) throw new Error(`The test has no queue ${name}`);
    return found;
  };
  return {
    dispatcher,
    wire,
    socket,
    notes,
    queue,
    get attached() {
      return attached;
    },
  };
}
