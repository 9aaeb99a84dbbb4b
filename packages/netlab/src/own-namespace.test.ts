import { setTimeout as delay } from 'node:timers/promises';
import { linkIndex, listLinks, setLink } from '@nicshare/driver/netlink';
import { addressOf, SystemError, libc as sharedLibc } from '@nicshare/shm/sys';
import test from 'ava';
import { setOffloads } from './ethtool.js';
import { enterNewNamespace } from './own-namespace.js';
import { PacketSocket } from './packet-socket.js';
import { canCreateNamespaces } from './privileges.js';
import { AF_INET, libc, SIOCETHTOOL, SOCK_DGRAM } from './sys.js';
import { createVeth } from './veth.js';

// This file's process moves into a namespace of its own, for all tests of the file.
const possible = canCreateNamespaces();
const inNamespace = possible === true ? test.serial : test.serial.skip;
const title = (text: string): string => (possible === true ? text : `${text} (skipped: ${possible})`);

/** ETHTOOL_GTXCSUM (linux/ethtool.h). */
function txChecksumOffload(link: string): boolean {
  const fd = sharedLibc.socket(AF_INET, SOCK_DGRAM, 0);
  const value = Buffer.from([0x16, 0, 0, 0, 0, 0, 0, 0]);
  const ifreq = Buffer.alloc(40);
  ifreq.write(link);
  ifreq.writeBigUInt64LE(BigInt(addressOf(value)), 16);
  const result = libc.ioctl(fd, SIOCETHTOOL, ifreq);
  sharedLibc.close(fd);
  if (result < 0) throw new Error('ETHTOOL_GTXCSUM failed');
  return value.readUInt32LE(4) === 1;
}

inNamespace(title('the thread leaves its namespace for one with lo alone'), (t) => {
  enterNewNamespace();
  t.deepEqual(
    listLinks().map(({ name, up }) => ({ name, up })),
    [{ name: 'lo', up: true }],
  );
});

inNamespace(title('both ends of a pair may be in one namespace, with several queues'), (t) => {
  createVeth({ name: 'own0', mac: '02:00:00:00:00:01', queues: 4, mtu: 3000 }, { name: 'own1' });
  const links = listLinks();
  t.like(
    links.find((link) => link.name === 'own0'),
    { mac: '02:00:00:00:00:01', rxQueues: 4, mtu: 3000, up: false },
  );
  t.like(
    links.find((link) => link.name === 'own1'),
    { rxQueues: 1, mtu: 1500, up: false },
  );
  setLink('own0', { up: true, mtu: 1400 });
  t.like(
    listLinks().find((link) => link.name === 'own0'),
    { mtu: 1400, up: true },
  );
});

inNamespace(title('offloads can be switched off and on'), (t) => {
  t.true(txChecksumOffload('own0'));
  setOffloads('own0', { txChecksum: false, gro: false, tso: false });
  t.false(txChecksumOffload('own0'));
  setOffloads('own0', { txChecksum: true });
  t.true(txChecksumOffload('own0'));
});

inNamespace(title('packets cross the pair as they are, and a sender does not hear itself'), async (t) => {
  setLink('own1', { up: true });
  for (let turn = 0; turn < 500 && !listLinks().every((link) => link.running); turn++) await delay(10);
  const one = new PacketSocket('own0');
  const other = new PacketSocket('own1');
  // A link says that it runs a moment before it carries anything.
  for (let turn = 0; turn < 500 && other.receive().length === 0; turn++) {
    one.send(new Uint8Array(14));
    await delay(10);
  }
  await delay(50);
  other.receive();
  const sent = [14, 60, 1414].map((length) => new Uint8Array(length).fill(length & 0xff));
  for (const packet of sent) one.send(packet);
  const received: Uint8Array[] = [];
  for (let turn = 0; turn < 500 && received.length < sent.length; turn++) {
    received.push(...other.receive());
    await delay(2);
  }
  t.deepEqual(received, sent);
  t.deepEqual(one.receive(), []);
  one.close();
  other.close();
});

inNamespace(title('an interface that is missing is named in the error'), (t) => {
  t.throws(() => new PacketSocket('missing'), { instanceOf: SystemError, message: /missing: ENODEV/ });
  t.throws(() => linkIndex('missing'), { instanceOf: SystemError, message: /missing: ENODEV/ });
  t.throws(() => setOffloads('missing', { gro: false }), {
    instanceOf: SystemError,
    message: /gro offload of missing/,
  });
});
