import test from 'ava';
import { RingConsumer } from './consumer.js';
import { RingProducer } from './producer.js';

const SIZE = 8;

/** A ring whose cursors start shortly before they run over. */
function ring(start: number) {
  const cells = new Int32Array(new SharedArrayBuffer(64));
  cells[0] = start;
  cells[1] = start;
  const cursors = { producer: 0, consumer: 1, size: SIZE };
  const slots = new Uint32Array(SIZE);
  return {
    cells,
    slots,
    producer: new RingProducer(cells, cursors),
    consumer: new RingConsumer(cells, cursors),
  };
}

test('what is submitted is seen, in order, also where the cursors run over', (t) => {
  const { producer, consumer, slots } = ring(0xfffffffb | 0);
  let written = 0;
  let read = 0;
  for (let turn = 0; turn < 100; turn++) {
    const room = producer.reserve((turn % SIZE) + 1);
    for (let i = 0; i < room; i++) slots[(producer.cursor + i) & producer.mask] = written++;
    producer.submit(room);
    const count = consumer.peek(5);
    for (let i = 0; i < count; i++) t.is(slots[(consumer.cursor + i) & consumer.mask], read++);
    consumer.release(count);
  }
  t.true(read > 300);
});

test('a full ring has no room and an empty one nothing to read', (t) => {
  const { producer, consumer } = ring(0);
  t.is(consumer.peek(1), 0);
  t.is(producer.reserve(SIZE + 1), SIZE);
  producer.submit(SIZE);
  t.is(producer.reserve(1), 0);
  t.false(producer.drained);
  t.is(consumer.peek(SIZE + 1), SIZE);
  consumer.release(SIZE);
  t.is(producer.reserve(1), 1);
  t.true(producer.drained);
});

test('slots that were reserved and not submitted stay unseen', (t) => {
  const { producer, consumer } = ring(0);
  t.is(producer.reserve(3), 3);
  t.is(consumer.peek(1), 0);
});
