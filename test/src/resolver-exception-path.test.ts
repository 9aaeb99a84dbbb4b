/* Next hops of the fake device, whose kernel interface is that of the exception path. */
import { connect } from '@nicshare/client';
import { enterNewNamespace } from '@nicshare/netlab';
import test from 'ava';
import { startFake } from './support/fake-dispatcher.js';
import { arpRequest } from './support/host-packets.js';
import { canCreateTaps } from './support/kernel-interface.js';
import { until } from './support/until.js';

const possible = canCreateTaps();
if (possible === true) enterNewNamespace();
const kernelTest = possible === true ? test.serial : test.serial.skip;
const title = (text: string): string => (possible === true ? text : `${text} (skipped: ${possible})`);

const OWN = '10.79.0.1';
const PEER = { mac: '02:00:00:00:79:02', ip: '10.79.0.2' } as const;

kernelTest(
  title('with unmatched: tap the kernel looks for neighbours through the dispatcher itself'),
  async (t) => {
    const host = await startFake(t, { unmatched: 'tap', tap: { addresses: [`${OWN}/24`] } });
    const client = await connect({ socket: host.socket });
    t.teardown(() => client.close());
    const resolver = await client.resolver();
    await until('the address is seen', () => resolver.addresses().includes(OWN));
    const resolving = resolver.resolve(PEER.ip);
    await until('the kernel asks on the wire', () =>
      host.wire.capture().some((packet) => packet[12] === 0x08 && packet[13] === 0x06 && packet[41] === 2),
    );
    await until('room in the device', () => host.wire.inject(arpRequest(PEER, OWN)));
    t.like(await resolving, { address: PEER.ip, mac: PEER.mac, source: OWN, mtu: 1500 });
    t.is((await host.dispatcher.stats()).stack?.interface, 'nicshare0');
  },
);
