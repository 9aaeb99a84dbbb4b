import type { StackStats } from '../stack/service.js';
import { counter, type Family, gauge } from './family.js';

/** Without a sample until a client has asked for the snapshot. */
const of =
  (value: (stack: StackStats) => number): Family['samples'] =>
  ({ stack }) =>
    stack === null ? [] : [[{ interface: stack.interface }, value(stack)]];

const LABELS = ['interface'];

/** The mirror of the kernel's neighbours and routes. */
export const STACK_FAMILIES: readonly Family[] = [
  gauge(
    'stack_neighbours',
    'Neighbours in the snapshot.',
    LABELS,
    of((stack) => stack.neighbours),
  ),
  gauge(
    'stack_routes',
    'Routes that the snapshot was made of.',
    LABELS,
    of((stack) => stack.routes),
  ),
  gauge(
    'stack_addresses',
    'Addresses of the interface.',
    LABELS,
    of((stack) => stack.addresses),
  ),
  gauge(
    'stack_left_out',
    'Neighbours, routes and addresses that the snapshot has no room for.',
    LABELS,
    of((stack) => stack.leftOut),
  ),
  counter(
    'stack_refreshes',
    'Times that the routes were read anew.',
    LABELS,
    of((stack) => stack.refreshes),
  ),
  counter(
    'stack_overruns',
    'Times that the kernel threw notifications away, and all was read anew.',
    LABELS,
    of((stack) => stack.overruns),
  ),
  counter(
    'stack_requests',
    'Requests of clients to resolve an address.',
    LABELS,
    of((stack) => stack.requests),
  ),
  counter(
    'stack_asked',
    'Times that the kernel was asked to look for a neighbour.',
    LABELS,
    of((stack) => stack.asked),
  ),
  counter(
    'stack_failures',
    'Requests whose neighbour did not answer.',
    LABELS,
    of((stack) => stack.failures),
  ),
  counter(
    'stack_timeouts',
    'Requests on which the kernel said nothing in time.',
    LABELS,
    of((stack) => stack.timeouts),
  ),
];
