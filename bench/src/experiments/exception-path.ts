import type { DispatcherOptions } from '@nicshare/dispatcher';
import { createNamespace, createVethPair, type Namespace } from '@nicshare/netlab';
import type { Experiment, Sample } from '../experiment.js';
import { runPeer, startOwn, startPeer } from '../processes.js';
import { commonOptions, type Setup, socketDirectory } from '../setup.js';

const NEAR = { interface: 'nic0', mac: '02:00:00:00:00:02', address: '10.91.0.2' };
const FAR = { interface: 'gen0', mac: '02:00:00:00:00:01', address: '10.91.0.1' };
const TAP = 'nicshare0';
const PREFIX = 24;
/** The host behind the card has the dispatcher's core, the one at the far side the other. */
const CORES = { near: 0, far: 1 } as const;

interface Lab {
  readonly near: Namespace;
  readonly far: Namespace;
  close(): Promise<void>;
}

async function openLab(): Promise<Lab> {
  const [near, far] = [await createNamespace(), await createNamespace()];
  const close = async (): Promise<void> => {
    await Promise.all([near.close(), far.close()]);
  };
  try {
    await createVethPair(
      { namespace: near, name: NEAR.interface, mac: NEAR.mac },
      { namespace: far, name: FAR.interface, mac: FAR.mac, addresses: [`${FAR.address}/${PREFIX}`] },
    );
  } catch (error) {
    await close();
    throw error;
  }
  return { near, far, close };
}

/** What one side does: it moves packets between the card and the kernel until it is stopped. */
interface Side {
  stop(): Promise<unknown>;
}

async function startOurs({ near }: Lab, socket: string, setup: Setup): Promise<Side> {
  const options: DispatcherOptions = {
    ...commonOptions(socket, setup.pages),
    device: { driver: 'af_xdp', interface: NEAR.interface, rings: 1 },
    unmatched: 'tap',
    tap: { name: TAP, addresses: [`${NEAR.address}/${PREFIX}`] },
  };
  return startOwn('dispatcher', options, { core: CORES.near, namespace: near });
}

async function startTwin({ near }: Lab): Promise<Side> {
  const twin = await startPeer('twin-tap', { interface: NEAR.interface, tap: TAP }, near);
  await near.run('setLink', TAP, { mac: NEAR.mac });
  await near.run('addAddress', TAP, `${NEAR.address}/${PREFIX}`);
  await near.run('setLink', TAP, { up: true });
  return twin;
}

/** Sends by one TCP connection for some seconds; returns Gbit/s. */
async function transfer(lab: Lab, from: 'near' | 'far', seconds: number): Promise<number> {
  const to = from === 'near' ? 'far' : 'near';
  const { address } = to === 'near' ? NEAR : FAR;
  const end = (role: string, place: 'near' | 'far') =>
    runPeer('bulk', { role, address, seconds, core: CORES[place] }, lab[place]);
  const [taken] = await Promise.all([end('take', to), end('give', from)]);
  return (taken.bytes! * 8) / taken.seconds! / 1e9;
}

async function measure(side: Side, lab: Lab, { seconds, warmupSeconds }: Setup): Promise<Sample> {
  await transfer(lab, 'far', warmupSeconds);
  const toKernel = await transfer(lab, 'far', seconds);
  const fromKernel = await transfer(lab, 'near', seconds);
  await side.stop();
  return { 'to-kernel': toKernel, 'from-kernel': fromKernel };
}

/** TCP by an ordinary socket behind a card that is shared: no queue takes its packets. */
export async function exceptionPath(setup: Setup): Promise<Experiment> {
  const lab = await openLab();
  const { socket, remove } = socketDirectory();
  return {
    name: 'exception-path',
    metrics: [
      { name: 'to-kernel', unit: 'Gbit/s' },
      { name: 'from-kernel', unit: 'Gbit/s' },
    ],
    peerName: 'C twin',
    ours: async () => measure(await startOurs(lab, socket, setup), lab, setup),
    peer: async () => measure(await startTwin(lab), lab, setup),
    close: async () => {
      remove();
      await lab.close();
    },
  };
}
