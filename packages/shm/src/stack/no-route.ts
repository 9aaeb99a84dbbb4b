import { NicshareError } from '../errors.js';
import * as S from '../stack-layout.js';
import type { StackReader } from './reader.js';

/** Why no packet leaves by the device for an address: the route's kind (KIND_*) in words. */
function reason(address: string, kind: number, reader: StackReader): readonly [string, string] {
  const device = reader.interfaceName;
  switch (kind) {
    case S.KIND_LOCAL:
      return [
        `${address} is an address of this machine: packets to it do not leave by ${device}.`,
        'Talk to it through a socket.',
      ];
    case S.KIND_ELSEWHERE:
      return [
        `The route to ${address} goes by ${reader.through}, not by the device ${device}.`,
        `Add one: ip route add ${address} via GATEWAY dev ${device}`,
      ];
    case S.KIND_UNREACHABLE:
      return [`A route says that ${address} is unreachable.`, 'See `ip route`.'];
    case S.KIND_PROHIBIT:
      return [`A route prohibits packets to ${address}.`, 'See `ip route`.'];
    case S.KIND_BLACKHOLE:
      return [`A route throws packets to ${address} away.`, 'See `ip route`.'];
    default:
      return [
        `There is no route to ${address}.`,
        `Give ${device} an address, or add a route: ip route add ${address} via GATEWAY dev ${device}`,
      ];
  }
}

/** NoRoute, for what `reader` has just found on the way to an address. */
export function noRoute(address: string, kind: number, reader: StackReader): NicshareError {
  const [what, action] = reason(address, kind, reader);
  return new NicshareError('NoRoute', what, action);
}
