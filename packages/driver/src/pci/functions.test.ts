import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isNicshareError } from '@nicshare/shm';
import test from 'ava';
import { networkFunctions, readFunction } from './functions.js';

interface Function {
  readonly address: string;
  readonly kind: string;
  readonly interfaces?: readonly string[];
}

/** A folder as /sys/bus/pci/devices. */
function sysfs(functions: readonly Function[]): { devices: string; remove: () => void } {
  const devices = mkdtempSync(join(tmpdir(), 'nicshare-pci-'));
  for (const { address, kind, interfaces = [] } of functions) {
    const folder = join(devices, address);
    for (const name of interfaces) mkdirSync(join(folder, 'net', name), { recursive: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'vendor'), '0x8086\n');
    writeFileSync(join(folder, 'device'), '0x10d3\n');
    writeFileSync(join(folder, 'class'), `${kind}\n`);
  }
  return { devices, remove: () => rmSync(devices, { recursive: true }) };
}

test('network cards are told from others, with what the kernel says of them', (t) => {
  const { devices, remove } = sysfs([
    { address: '0000:00:01.0', kind: '0x030000' },
    { address: '0000:00:02.0', kind: '0x020000', interfaces: ['eth0', 'eth1'] },
    { address: '0000:03:00.1', kind: '0x020000' },
  ]);
  t.teardown(remove);
  t.deepEqual(
    networkFunctions(devices).map(({ address, vendor, device, interfaces }) => [
      address,
      vendor,
      device,
      interfaces,
    ]),
    [
      ['0000:00:02.0', 0x8086, 0x10d3, ['eth0', 'eth1']],
      ['0000:03:00.1', 0x8086, 0x10d3, []],
    ],
  );
  t.is(readFunction('00:02.0', devices).address, '0000:00:02.0');
});

test('a card that is not there is refused with those that are', (t) => {
  const { devices, remove } = sysfs([{ address: '0000:00:02.0', kind: '0x020000' }]);
  t.teardown(remove);
  for (const address of ['0000:00:03.0', '../..', '00:02', '0000:00:02.0/x', ''])
    t.true(
      isNicshareError(
        t.throws(() => readFunction(address, devices)),
        'InterfaceNotFound',
      ),
      address,
    );
  t.regex(t.throws(() => readFunction('00:03.0', devices))!.message, /one of: 0000:00:02\.0/);
});
