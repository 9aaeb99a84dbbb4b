/** Where a TCP server listens. */
export interface ListenAddress {
  /** A name or an address, without brackets. */
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
}

/** Reads 'HOST:PORT' or '[IPV6]:PORT'; undefined where it is neither. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const parts = /^(?:\[([0-9a-f:.%]+)\]|([^\s:[\]]+)):(\d{1,5})$/i.exec(text);
  const port = Number(parts?.[3]);
  if (!parts || port > 65535) return undefined;
  return { host: (parts[1] ?? parts[2])!, port };
}
