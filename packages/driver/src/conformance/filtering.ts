import type { RuleSet } from '../rules.js';
import type { Behaviour } from './behaviour.js';
import type { Bench } from './bench.js';
import type { Driver } from './driver.js';
import { packet } from './packets.js';

export function filters(behaviour: Behaviour): void {
  const onPort = (destinationPort: number): RuleSet => ({
    matches: [{ protocol: 17, destinationPort }],
    unmatched: 'drop',
  });

  /** Sends packets to two ports in turn, and returns how many of each came. */
  async function countByPort(bench: Bench, driver: Driver): Promise<{ wanted: number; other: number }> {
    for (let i = 0; i < 10; i++) {
      bench.outside.send(packet(i, 64, 8000));
      bench.outside.send(packet(i, 64, 7000));
    }
    let wanted = 0;
    let other = 0;
    for (const { bytes } of await driver.take(Number.POSITIVE_INFINITY)) {
      if (bytes.readUInt16BE(36) === 7000) wanted++;
      else other++;
    }
    return { wanted, other };
  }

  behaviour('says how far it carries rules out, and does so', async (t, bench, driver) => {
    const { coverage, why } = bench.device.setRules(onPort(7000));
    t.true(['exact', 'superset', 'none'].includes(coverage));
    if (coverage !== 'exact') t.true((why ?? '').length > 0);
    const { wanted, other } = await countByPort(bench, driver);
    t.is(wanted, 10);
    if (coverage === 'exact') t.is(other, 0);
    if (coverage === 'none') t.is(other, 10);
  });

  behaviour('replaces its rules', async (t, bench, driver) => {
    bench.device.setRules(onPort(9));
    bench.device.setRules(onPort(7000));
    t.is((await countByPort(bench, driver)).wanted, 10);
  });
}
