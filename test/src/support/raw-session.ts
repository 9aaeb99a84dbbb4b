import {
  Arena,
  claimAnswer,
  connectUnix,
  decode,
  descriptorSocketPath,
  encode,
  layout,
  MAX_DEVICE_REGIONS,
  type ReceivedMessage,
  receiveDescriptors,
  type SessionGrant,
  type SessionShape,
  sendDescriptors,
  sessionShape,
  wake,
  windowBytes,
} from '@nicshare/shm';
import { libc } from '@nicshare/shm/sys';
import { RawControl } from './raw-control.js';
import { until } from './until.js';

/** Asks a control connection for a queue; returns the token. */
export async function requestToken(control: RawControl, queue: string): Promise<string> {
  control.send({ type: 'attach', id: 1, queue });
  return (await control.next('granted')).token;
}

/** Asks it for a tap of a queue; returns the token. */
export async function requestTapToken(control: RawControl, queue: string): Promise<string> {
  control.send({ type: 'tap', id: 1, queue, snaplen: 100, filter: [] });
  return (await control.next('tapGranted')).token;
}

export type Answer = ReceivedMessage | 'closed' | 'truncated';

/** Waits for the answer on the descriptor socket. */
export async function claimAnswered(fd: number): Promise<Answer> {
  let answer: ReturnType<typeof receiveDescriptors> = 'again';
  await until('the answer to a claim', () => {
    answer = receiveDescriptors(fd, 4096, 3 + MAX_DEVICE_REGIONS);
    return answer !== 'again';
  });
  return answer as unknown as Answer;
}

/** Sends bytes and descriptors on a new connection to the descriptor socket; returns it. */
export function sendClaim(socket: string, bytes: Uint8Array, descriptors: readonly number[] = []): number {
  const fd = connectUnix(descriptorSocketPath(socket));
  try {
    sendDescriptors(fd, bytes, descriptors);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** A session without the client package: whoever has it writes what it wants where it can. */
export class RawSession {
  readonly control: RawControl;
  readonly grant: SessionGrant;
  readonly shape: SessionShape;
  /** All mapped memory as u32 cells. */
  readonly cells: Int32Array;
  /** Offsets of the regions in `arena`. */
  readonly dispatcherRegion: number;
  readonly clientRegion: number;
  readonly arena: Arena;
  /** Of the device's regions, from which RX descriptors count in mode `shared`; 0 in mode `isolated`. */
  readonly window: number;
  /** In the order of the protocol: dispatcher region, client region, wake-up socket, the device's regions. */
  readonly descriptors: readonly [number, number, number, ...number[]];

  private constructor(
    control: RawControl,
    grant: SessionGrant,
    descriptors: [number, number, number, ...number[]],
  ) {
    this.control = control;
    this.grant = grant;
    this.descriptors = descriptors;
    this.shape = sessionShape(grant);
    const { dispatcherBytes, clientBytes } = this.shape;
    const parts = grant.regions.map((part, i) => ({ ...part, fd: descriptors[3 + i]! }));
    const gaps = 3 * layout.REGION_ALIGNMENT;
    this.arena = Arena.create(dispatcherBytes + clientBytes + windowBytes(parts) + gaps, { shared: false });
    this.dispatcherRegion = this.arena.map(descriptors[0], dispatcherBytes, 'read');
    this.clientRegion = this.arena.map(descriptors[1], clientBytes, 'read-write');
    this.window = parts.length > 0 ? this.arena.mapWindow(parts) : 0;
    this.cells = new Int32Array(this.arena.memory.buffer);
  }

  /** `request` asks for the session: by default to attach to the queue. */
  static async attach(socket: string, queue: string, request = requestToken): Promise<RawSession> {
    const control = await RawControl.greeted(socket);
    const fd = sendClaim(socket, encode({ type: 'claim', token: await request(control, queue) }));
    const answer = await claimAnswered(fd);
    libc.close(fd);
    if (typeof answer === 'string') throw new Error(`The claim was answered by nothing: ${answer}`);
    const grant = decode(claimAnswer, answer.bytes);
    if (grant.type !== 'session') throw new Error(`Granted: ${JSON.stringify(grant)}`);
    return new RawSession(control, grant, answer.descriptors as [number, number, number, ...number[]]);
  }

  /** A cell of the client's region, at a byte offset. */
  write(offset: number, value: number): void {
    Atomics.store(this.cells, (this.clientRegion + offset) >> 2, value | 0);
  }

  /** A cell of the dispatcher's region, at a byte offset. */
  read(offset: number): number {
    return Atomics.load(this.cells, (this.dispatcherRegion + offset) >> 2) >>> 0;
  }

  writeFill(slot: number, offset: number): void {
    this.write(this.shape.fillEntries + slot * layout.ENTRY_SIZE, offset);
  }

  writeTx(slot: number, offset: number, length: number): void {
    const at = this.shape.txDescriptors + slot * layout.DESCRIPTOR_SIZE;
    this.write(at + layout.DESCRIPTOR_OFFSET, offset);
    this.write(at + layout.DESCRIPTOR_LENGTH, length);
  }

  ring(): 'sent' | 'full' | 'gone' {
    return wake(this.descriptors[2]);
  }

  /** Hangs up, unmaps and closes all. */
  close(): void {
    this.control.close();
    this.arena.release(this.clientRegion);
    this.arena.release(this.dispatcherRegion);
    if (this.window > 0) this.arena.release(this.window);
    for (const fd of this.descriptors) libc.close(fd);
  }
}
