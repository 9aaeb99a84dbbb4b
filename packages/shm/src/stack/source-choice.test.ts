import test from 'ava';
import { ADDRESS_DEPRECATED, ADDRESS_TEMPORARY } from '../stack-layout.js';
import { parseAddress } from './addresses.js';
import { type Fitness, fitness, fitter } from './source-choice.js';

function toWords(text: string): Uint32Array {
  const words = new Uint32Array(4);
  if (!parseAddress(text, words)) throw new Error(text);
  return words;
}

/** The address chosen of candidates; a flag stands behind a space. */
function choose(destination: string, candidates: readonly string[]): string {
  let best: { address: string; its: Fitness } | undefined;
  for (const candidate of candidates) {
    const [address = '', flag] = candidate.split(' ');
    const flags = flag === 'deprecated' ? ADDRESS_DEPRECATED : flag === 'temporary' ? ADDRESS_TEMPORARY : 0;
    const its = fitness(toWords(address), 64, flags, toWords(destination));
    if (fitter(its, best?.its)) best = { address, its };
  }
  return best!.address;
}

// RFC 6724, section 10.1, and what its rules mean for the rest.
const EXAMPLES: readonly (readonly [string, readonly string[], string])[] = [
  ['2001:db8:1::1', ['2001:db8:3::1', 'fe80::1'], '2001:db8:3::1'],
  ['ff05::1', ['2001:db8:3::1', 'fe80::1'], '2001:db8:3::1'],
  ['2001:db8:1::1', ['2001:db8:1::1 deprecated', '2001:db8:2::1'], '2001:db8:1::1'],
  ['fe80::1', ['fe80::2 deprecated', '2001:db8:1::1'], 'fe80::2'],
  ['2001:db8:1::1', ['2001:db8:1::2', '2001:db8:3::2'], '2001:db8:1::2'],
  [
    '2002:c633:6401::1',
    ['2002:c633:6401::d5e3:7953:13eb:22e8 temporary', '2001:db8:1::2'],
    '2002:c633:6401::d5e3:7953:13eb:22e8',
  ],
  ['2001:db8:1::d5e3:0:0:1', ['2001:db8:1::2', '2001:db8:1::d5e3:7953:13eb:22e8 temporary'], '2001:db8:1::2'],
  ['fd00:1::1', ['2001:db8:1::1', 'fd99::1'], 'fd99::1'],
  ['2001:db8:1::1', ['2001:db8:2::1 deprecated', '2001:db8:4::1'], '2001:db8:4::1'],
  ['ff02::1', ['2001:db8::1', 'fe80::1'], 'fe80::1'],
  ['2001:db8::9', ['2001:db8:7::1', '2001:db8:7::2'], '2001:db8:7::1'],
];

for (const [destination, candidates, chosen] of EXAMPLES)
  test(`to ${destination} from ${chosen}, of ${candidates.join(', ')}`, (t) => {
    t.is(choose(destination, candidates), chosen);
  });
