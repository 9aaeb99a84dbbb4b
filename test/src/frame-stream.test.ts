/* A queue as a Duplex stream of frames, on the fake device. */
import { Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, createFrameStream, type Port } from '@nicshare/client';
import test, { type ExecutionContext } from 'ava';
import { type FakeHost, PORTS, startFake } from './support/fake-dispatcher.js';
import { numberedPacket } from './support/packets.js';
import { until } from './support/until.js';

const RING = 64;

interface Stage {
  readonly host: FakeHost;
  readonly port: Port;
  readonly second: Port;
}

async function stage(t: ExecutionContext): Promise<Stage> {
  const host = await startFake(t, { memory: { deviceRingSize: 64 } });
  const client = await connect({ socket: host.socket });
  t.teardown(() => client.close());
  return { host, port: await client.attach('one'), second: await client.attach('two') };
}

const packet = (sequence: number): Buffer => numberedPacket(PORTS.one, sequence);
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Injects packets when there is room for them. */
async function inject(host: FakeHost, sequences: readonly number[]): Promise<void> {
  for (const sequence of sequences) await until('there is room', () => host.wire.inject(packet(sequence)));
}

async function captured(host: FakeHost, count: number): Promise<Uint8Array[]> {
  const packets: Uint8Array[] = [];
  await until(`${count} packets are on the wire`, () => {
    packets.push(...host.wire.capture());
    return packets.length >= count;
  });
  return packets;
}

test.serial('received frames are read one by one, as copies', async (t) => {
  const { host, port } = await stage(t);
  const stream = createFrameStream(port);
  await inject(host, numbers(30));
  const frames: Buffer[] = [];
  for await (const frame of stream) {
    frames.push(frame);
    if (frames.length === 30) break;
  }
  t.true(stream.destroyed, 'as for any stream, leaving the loop destroys it');
  t.false(port.isDetached, 'and leaves the port');
  t.deepEqual(frames, numbers(30).map(packet));
});

test.serial('a pipeline forwards from one queue to another, many times the rings', async (t) => {
  const { host, port, second } = await stage(t);
  const count = 1000;
  const label = new Transform({
    objectMode: true,
    transform: (frame: Buffer, _encoding, done) => {
      frame[0] = 0x0a;
      done(null, frame);
    },
  });
  const done = pipeline(createFrameStream(port), label, createFrameStream(second));
  const frames: Uint8Array[] = [];
  for (let i = 0; i < count; i += 20) {
    await inject(
      host,
      numbers(20).map((n) => i + n),
    );
    frames.push(...(await captured(host, 20)));
  }
  await port.close();
  await done;
  const expected = numbers(count).map((n) => {
    const frame = new Uint8Array(packet(n));
    frame[0] = 0x0a;
    return frame;
  });
  t.deepEqual(frames, expected);
});

test.serial('a slow reader leaves frames in the ring, and what finds no room there is counted', async (t) => {
  const { host, port } = await stage(t);
  const stream = createFrameStream(port, { readableHighWaterMark: 4 });
  const seen: Buffer[] = [];
  let release = (): void => {};
  const reader = new Writable({
    objectMode: true,
    highWaterMark: 1,
    write: (frame: Buffer, _encoding, done) => {
      seen.push(frame);
      release = done;
    },
  });
  const piped = pipeline(stream, reader);
  const total = 6 * RING;
  await inject(host, numbers(total));
  const counted = (): number =>
    port.counters.rxPackets + port.counters.rxDropRingFull + port.counters.rxDropNoFrame;
  await until('all were counted', () => counted() === total);
  const kept = port.counters.rxPackets;
  t.true(kept < total && kept >= RING, `${kept} of ${total} were kept`);
  t.is(seen.length, 1);
  while (seen.length < kept) {
    const before = seen.length;
    release();
    await until('the next one', () => seen.length > before);
  }
  t.deepEqual(
    seen,
    seen.map((frame) => packet(frame.readUInt32BE(42))),
    'each is whole',
  );
  const closed = port.close();
  release();
  await Promise.all([closed, piped]);
});

test.serial('a writer waits while nothing is taken off the wire', async (t) => {
  const { host, port } = await stage(t);
  const stream = createFrameStream(port, { writableHighWaterMark: 8 });
  let written = 0;
  while (stream.write(packet(written++)) || stream.writableLength < 8) await delay(0);
  const stuck = stream.writableLength;
  await delay(20);
  t.is(stream.writableLength, stuck, 'it still waits');
  const finished = new Promise((resolve) => stream.end(resolve));
  const frames = await captured(host, written);
  await finished;
  t.deepEqual(
    frames,
    numbers(written).map((n) => new Uint8Array(packet(n))),
  );
});

test.serial('closing the port ends the stream', async (t) => {
  const { host, port } = await stage(t);
  const stream = createFrameStream(port);
  const ended = (async () => {
    let count = 0;
    for await (const _ of stream) count++;
    return count;
  })();
  await inject(host, [0, 1, 2]);
  await until('they were read', () => port.counters.rxPackets === 3 && stream.readableLength === 0);
  await port.close();
  t.is(await ended, 3);
});

test.serial('the end of the session destroys the stream with the reason', async (t) => {
  const { host, port, second } = await stage(t);
  const done = pipeline(createFrameStream(port), createFrameStream(second));
  await host.dispatcher.close();
  await t.throwsAsync(done, { name: 'DispatcherStopped' });
});

test.serial('what is no frame, or has a length that cannot be sent, is refused', async (t) => {
  const { port } = await stage(t);
  for (const [frame, words] of [
    [Buffer.alloc(13), /13 bytes/],
    [Buffer.alloc(5000), /5000 bytes/],
    ['text', /Buffer/],
  ] as const) {
    const stream = createFrameStream(port);
    const failed = new Promise<Error>((resolve) => stream.on('error', resolve));
    stream.write(frame);
    const error = await failed;
    t.is(error.name, 'InvalidArgument');
    t.regex(error.message, words);
  }
});
