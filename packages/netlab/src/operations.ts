import { addAddress, addNeighbour, addRoute, deleteLink, listLinks, setLink } from '@nicshare/driver/netlink';
import { setOffloads } from './ethtool.js';
import { createVeth } from './veth.js';

/** What a namespace's holder does on request. All arguments and results survive JSON. */
export const operations = {
  createVeth,
  deleteLink,
  setLink,
  listLinks,
  addAddress,
  addNeighbour,
  addRoute,
  setOffloads,
};

export type Operations = typeof operations;
export type OperationName = keyof Operations;

/** To the holder. */
export interface Request {
  readonly id: number;
  readonly operation: OperationName;
  readonly args: readonly unknown[];
}

/** From the holder; the one with id READY says how its start went. */
export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: Failure };

export const READY = 0;

/** An error on its way through JSON; `call` and `errno` where it is a SystemError. */
export interface Failure {
  readonly message: string;
  readonly call?: string;
  readonly errno?: number;
}
