import { type DeviceContext, type DeviceOptions, openDevice } from '@nicshare/driver';
import type { Bench } from '@nicshare/driver/conformance';
import { networkFunctions } from '@nicshare/driver/pci';
import { PacketSocket, setLink } from '@nicshare/netlab';
import { Arena } from '@nicshare/shm';

const RING_SIZE = 64;
const OUTSIDE = 'eth1';
/** Cards fill shorter packets up (IEEE 802.3, 4.2.3.3), the check sequence not counted. */
const SHORTEST_ON_WIRE = 60;

/**
 * What becomes of packets that find no room: QEMU holds them back where all rings are full. Of several rings its 82576
 * drops what comes to a full one, and does not count it.
 */
const roomOf = (driver: string, rings: number): Partial<Bench> =>
  driver === 'igb' && rings > 1 ? { countsLosses: false } : { holdsBack: true };

/** Opens the guest's first card, with the second one, which the kernel drives, at the other end of its cable. */
export function openBench(driver: string, access: string, rings: number): Bench {
  setLink(OUTSIDE, { up: true });
  const arena = Arena.create(256 << 20, { shared: true });
  const context: DeviceContext = {
    arena,
    frameSize: 2048,
    ringSize: RING_SIZE,
    hugepages: 'auto',
    note: () => {},
  };
  const pci = networkFunctions()[0]!.address;
  const device = openDevice({ driver, pci, access, rings, force: true } as DeviceOptions, context);
  const socket = new PacketSocket(OUTSIDE);
  return {
    device,
    arena,
    ringSize: RING_SIZE,
    outside: socket,
    shortest: SHORTEST_ON_WIRE,
    ...roomOf(driver, rings),
    close: () => {
      device.close();
      socket.close();
    },
  };
}
