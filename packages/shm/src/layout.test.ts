import test from 'ava';
import * as layout from './layout.js';
import { sessionShape } from './shape.js';

test('the layout of version 2 stands as it was published', (t) => {
  t.is(layout.VERSION, 2);
  t.deepEqual(
    Object.fromEntries(
      Object.entries(layout).filter(([name]) =>
        /^(MAGIC|HEADER|RX_|TX_|FILL|COMPLETION|SESSION|DISPATCHER|CLIENT)/.test(name),
      ),
    ),
    {
      MAGIC: 0x5343494e,
      HEADER_MAGIC: 0,
      HEADER_VERSION: 4,
      HEADER_RING_SIZE: 8,
      HEADER_FRAME_SIZE: 12,
      HEADER_RX_FRAMES: 16,
      HEADER_TX_FRAMES: 20,
      HEADER_SAMPLED: 24,
      HEADER_BYTES: 28,
      RX_PRODUCER: 128,
      SESSION_STATE: 132,
      RX_SAMPLE_NUMBER: 136,
      RX_SAMPLE_CURSOR: 140,
      RX_SAMPLE_TIME: 144,
      COMPLETION_PRODUCER: 256,
      FILL_CONSUMER: 384,
      TX_CONSUMER: 512,
      DISPATCHER_SLEEP: 640,
      RX_CONSUMER: 128,
      COMPLETION_CONSUMER: 256,
      FILL_PRODUCER: 384,
      TX_PRODUCER: 512,
      CLIENT_SLEEP_RX: 640,
      CLIENT_SLEEP_TX: 768,
      CLIENT_COUNTERS: 896,
      CLIENT_BACK_PRESSURE: 896,
      CLIENT_PICKUP: 1024,
      CLIENT_PICKUP_SUM: 1120,
      CLIENT_PICKUP_END: 1128,
    },
  );
  t.is(layout.COUNTERS, 1024);
  t.is(layout.ARRAYS, 4096);
  t.deepEqual(
    [layout.DESCRIPTOR_OFFSET, layout.DESCRIPTOR_LENGTH, layout.DESCRIPTOR_FLAGS, layout.DESCRIPTOR_SIZE],
    [0, 4, 6, 8],
  );
});

test('counters fit between the cursors and the arrays', (t) => {
  t.true(layout.COUNTERS >= layout.DISPATCHER_SLEEP + layout.LINE);
  t.true(layout.COUNTERS + layout.COUNTER_COUNT * 8 <= layout.ARRAYS);
  t.true(layout.CLIENT_COUNTERS + layout.LINE <= layout.CLIENT_PICKUP);
  t.true(layout.CLIENT_PICKUP_END <= layout.ARRAYS);
  t.is(layout.RX_SAMPLE_TIME % 8, 0, 'it is stored at once');
});

test('arrays follow one another without overlap and regions are whole 2 MiB pages', (t) => {
  const shape = sessionShape({
    mode: 'isolated',
    ringSize: 1024,
    frameSize: 2048,
    rxFrames: 2048,
    txFrames: 1024,
  });
  t.is(shape.rxDescriptors, layout.ARRAYS);
  t.is(shape.completionEntries, shape.rxDescriptors + 1024 * 8);
  t.true(shape.rxFramesOffset >= shape.completionEntries + 1024 * 4);
  t.true(shape.dispatcherBytes >= shape.rxFramesOffset + 2048 * 2048);
  t.is(shape.txDescriptors, shape.fillEntries + 2048 * 4);
  t.true(shape.txFramesOffset >= shape.txDescriptors + 1024 * 8);
  t.true(shape.clientBytes >= shape.txFramesOffset + 1024 * 2048);
  t.is(shape.rxFramesOffset % 2048, 0);
  t.is(shape.dispatcherBytes % layout.REGION_ALIGNMENT, 0);
  t.is(shape.clientBytes % layout.REGION_ALIGNMENT, 0);
});

test('a shared session has rings and counters of its own, and no RX frames', (t) => {
  const sizes = { ringSize: 1024, frameSize: 2048, rxFrames: 16384, txFrames: 1024 };
  const isolated = sessionShape({ mode: 'isolated', ...sizes });
  const shared = sessionShape({ mode: 'shared', ...sizes });
  t.is(shared.dispatcherBytes, layout.REGION_ALIGNMENT);
  t.true(shared.dispatcherBytes >= shared.completionEntries + 1024 * 4);
  t.is(isolated.dispatcherBytes - shared.dispatcherBytes, 16384 * 2048);
  t.deepEqual(
    { ...shared, mode: 'isolated', dispatcherBytes: isolated.dispatcherBytes },
    isolated,
    'all else stands where it stands in mode isolated',
  );
});

for (const [name, value] of [
  ['ringSize', 1000],
  ['ringSize', 32],
  ['frameSize', 1024],
  ['rxFrames', 0],
  ['txFrames', 2 ** 20],
] as const)
  test(`${name} ${value} is refused`, (t) => {
    const sizes = {
      mode: 'isolated' as const,
      ringSize: 1024,
      frameSize: 2048,
      rxFrames: 2048,
      txFrames: 1024,
      [name]: value,
    };
    t.throws(() => sessionShape(sizes), { instanceOf: RangeError, message: new RegExp(name) });
  });
