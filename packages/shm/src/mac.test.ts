import test from 'ava';
import { isNicshareError } from './errors.js';
import { formatMac, parseMac } from './mac.js';

test('a MAC address survives both ways, in lower case', (t) => {
  t.is(formatMac(parseMac('02:00:0A:ff:00:01')), '02:00:0a:ff:00:01');
});

test('what is no MAC address is refused', (t) => {
  for (const bad of ['02:00:00:00:00', 'xx:00:00:00:00:01', '02-00-00-00-00-01', '02:00:00:00:00:01:02', ''])
    t.true(
      isNicshareError(
        t.throws(() => parseMac(bad)),
        'InvalidArgument',
      ),
      bad,
    );
});
