import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isNicshareError } from '@nicshare/shm';
import test from 'ava';
import { packet } from '../conformance/packets.js';
import { pcapFile } from './capture/samples.test.support.js';
import {
  directory,
  fresh,
  open,
  RING_SIZE,
  recorded,
  samples,
  upTo,
  written,
} from './device.test.support.js';

test('the capture itself is never written over, by whatever name', (t) => {
  const file = written(pcapFile(samples(3)));
  const before = readFileSync(file);
  const other = fresh();
  symlinkSync(file, other);
  for (const record of [file, other])
    t.true(
      isNicshareError(
        t.throws(() => open({ file, record })),
        'InvalidArgument',
      ),
    );
  t.deepEqual(readFileSync(file), before);
});

test('what is sent is recorded, and frames are free again once it is', (t) => {
  const record = written(Buffer.alloc(5000, 'what was there before'));
  const { device, send } = open({ file: written(pcapFile([])), record });
  t.deepEqual(recorded(record), []);
  const sent = upTo(5 * RING_SIZE).map((number) => packet(number, 14 + number * 6));
  for (let next = 0; next < sent.length; next += RING_SIZE) {
    t.is(send(sent.slice(next, next + RING_SIZE)), RING_SIZE);
    t.is(send([packet(1)]), 0);
    t.is(device.maintain(), RING_SIZE);
  }
  t.is(device.maintain(), 0);
  t.deepEqual(recorded(record), sent);
  t.is(send([packet(7)]), 1);
  device.close();
  t.deepEqual(recorded(record), [...sent, packet(7)]);
  t.deepEqual(device.stats().txDropped, { record: 0 });
});

test('what is sent to nowhere is counted', (t) => {
  const { device, send } = open({ file: written(pcapFile([])) });
  for (let burst = 0; burst < 10; burst++) t.is(send(upTo(64).map(() => packet(0))), 64);
  t.deepEqual(device.stats().txDropped, { discarded: 640 });
});

test('a disk that is full ends the recording, not the traffic', (t) => {
  const { device, send, take, notes } = open({
    file: written(pcapFile(samples(3))),
    rate: 'flat-out',
    record: '/dev/full',
  });
  t.regex(notes[0]!, /The recording to \/dev\/full has stopped \(ENOSPC.*; the traffic goes on/);
  for (let burst = 0; burst < 10; burst++) {
    t.is(send(upTo(64).map(() => packet(0))), 64);
    device.maintain();
  }
  t.deepEqual(device.stats().txDropped, { record: 640 });
  t.deepEqual(take(), [0, 1, 2]);
  device.close();
  t.is(notes.filter((line) => line.includes('stopped')).length, 1);
});

const asRoot = process.getuid?.() === 0;
const withRoot = asRoot ? test.serial : test.serial.skip;
const withUser = asRoot ? test.serial.skip : test.serial;

withRoot(
  `a disk that fills up leaves a whole recording${asRoot ? '' : ' (skipped: needs root to mount a tmpfs)'}`,
  (t) => {
    const disk = join(directory, 'disk');
    mkdirSync(disk);
    t.is(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', disk]).status, 0);
    try {
      const record = join(disk, 'sent.pcapng');
      const { device, send, notes } = open({ file: written(pcapFile([])), record });
      let sent = 0;
      for (let burst = 0; burst < 10; burst++) {
        sent += send(upTo(20).map((i) => packet(burst * 20 + i, 1000)));
        device.maintain();
      }
      device.close();
      const kept = recorded(record);
      t.true(kept.length > 0 && kept.length < sent);
      t.deepEqual(
        kept,
        upTo(kept.length).map((number) => packet(number, 1000)),
      );
      t.deepEqual(device.stats().txDropped, { record: sent - kept.length });
      t.is(notes.filter((line) => /stopped \(ENOSPC/.test(line)).length, 1);
    } finally {
      t.is(spawnSync('umount', [disk]).status, 0);
    }
  },
);

withUser(`files that may not be used are refused${asRoot ? ' (skipped: root may use all)' : ''}`, (t) => {
  const file = written(pcapFile([]));
  const closed = written(pcapFile([]));
  chmodSync(closed, 0);
  t.is(t.throws(() => open({ file: closed })).name, 'NotPermitted');
  t.is(t.throws(() => open({ file, record: closed })).name, 'NotPermitted');
});
