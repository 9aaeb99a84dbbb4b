import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canCreateNamespaces, createNamespace, createVethPair, type Namespace } from '@nicshare/netlab';
import test, { type ExecutionContext } from 'ava';
import { Child } from './child.js';
import { scratchFolder } from './scratch.js';

const possible = canCreateNamespaces();

/** For tests on a real interface, which need root. */
export const onVeth = possible === true ? test.serial : test.serial.skip;
export const vethTitle = (text: string): string =>
  possible === true ? text : `${text} (skipped: ${possible})`;

export const CARD = 'card0';
export const CARD_ADDRESS = '10.78.0.1';

/** Two hosts on one cable: `card` is the dispatcher's, `far` a host with nothing but its kernel. */
export interface VethLab {
  readonly card: Namespace;
  readonly far: Namespace;
  /** processes/kernel-host.ts in the far namespace. */
  readonly peer: Child;
  readonly socket: string;
  /** Writes a configuration file and returns its path; `more` are further lines of it. */
  configure(queues: string, socket?: string, more?: string): string;
}

/** `bare`: the card has no address, and nobody knows the other's MAC address. */
export async function createLab(t: ExecutionContext, { bare = false } = {}): Promise<VethLab> {
  const folder = scratchFolder(t);
  const [card, far] = [await createNamespace(), await createNamespace()];
  t.teardown(async () => {
    await card.close();
    await far.close();
  });
  await createVethPair(
    {
      namespace: card,
      name: CARD,
      mac: '02:00:00:00:78:01',
      addresses: bare ? [] : [`${CARD_ADDRESS}/24`],
    },
    { namespace: far, name: 'far0', mac: '02:00:00:00:78:02', addresses: ['10.78.0.2/24'] },
    { neighbours: !bare },
  );
  const peer = Child.start(t, 'kernel-host', [], far);
  await peer.next('up');
  const socket = join(folder, 'control.sock');
  const configure = (queues: string, path = socket, more = ''): string => {
    const file = `${path}.yaml`;
    const device = `device: { driver: af_xdp, interface: ${CARD} }`;
    writeFileSync(file, `socket: { path: ${path}, mode: '0666' }\n${device}\nqueues:\n${queues}${more}`);
    return file;
  };
  return { card, far, peer, socket, configure };
}
