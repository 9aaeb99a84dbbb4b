import { createNamespace, createVethPair, type Namespace } from '@nicshare/netlab';
import { runPeer } from '../processes.js';
import { QUEUES } from '../setup.js';

export const INTERFACE = 'nic0';
const SENDER_INTERFACE = 'gen0';
const MAC = '02:00:00:00:00:02';
/** Clients that packets are sent to. */
export const CLIENTS = 2;

/** A veth pair: a sender's namespace and the dispatcher's. */
export interface Lab {
  readonly namespace: Namespace;
  /** Sends 64-byte packets to the first two queues' ports at a fixed rate, from core 1; returns how many. */
  send(packetsPerSecond: number, seconds: number): Promise<{ sent: number; packetsPerSecond: number }>;
  close(): Promise<void>;
}

export async function openLab(): Promise<Lab> {
  const sender = await createNamespace();
  const namespace = await createNamespace();
  const closeBoth = async (): Promise<void> => {
    await Promise.all([sender.close(), namespace.close()]);
  };
  try {
    await createVethPair(
      { namespace: sender, name: SENDER_INTERFACE, mac: '02:00:00:00:00:01' },
      { namespace, name: INTERFACE, mac: MAC },
    );
  } catch (error) {
    await closeBoth();
    throw error;
  }
  const ports = QUEUES.slice(0, CLIENTS)
    .map(({ port }) => port)
    .join(',');
  const send = async (rate: number, seconds: number) => {
    const result = await runPeer(
      'sender',
      { interface: SENDER_INTERFACE, mac: MAC, ports, rate, seconds },
      sender,
    );
    return { sent: result.sent!, packetsPerSecond: result.sent! / result.seconds! };
  };
  return { namespace, send, close: closeBoth };
}
