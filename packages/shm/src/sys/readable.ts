import koffi from 'koffi';

/** Calls back whenever a descriptor is readable or its other end has gone, until it is closed. */
export interface ReadableWatch {
  /** Stops watching; to be called before the descriptor is closed. */
  close(): void;
  /** Whether the watch keeps the process alive; it does at first. */
  ref(): void;
  unref(): void;
}

/**
 * Watches a descriptor from the event loop, level-triggered. The caller must keep the watch referenced (a collected
 * one is silent), and the descriptor must not be one that libuv watches already.
 */
export function watchReadable(fd: number, callback: () => void): ReadableWatch {
  return koffi.node.poll(fd, { readable: true, disconnect: true }, callback);
}
