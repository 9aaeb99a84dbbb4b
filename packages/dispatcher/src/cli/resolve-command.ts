import { connect, isNicshareError, type Resolver } from '@nicshare/client';
import { formatTable } from './table.js';

interface Options {
  readonly socket?: string;
  readonly json?: boolean;
}

const COLUMNS = ['address', 'next hop', 'MAC address', 'from', 'MTU'];

/** One line's cells, or the reason why there are none; with it the exit status says so. */
async function describe(resolver: Resolver, address: string): Promise<readonly string[] | string> {
  try {
    const hop = await resolver.resolve(address);
    return [address, hop.address, hop.mac, hop.source, String(hop.mtu)];
  } catch (error) {
    if (isNicshareError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
}

async function printJson(resolver: Resolver, address: string): Promise<void> {
  try {
    const { macBytes: _, ...hop } = await resolver.resolve(address);
    process.stdout.write(`${JSON.stringify({ destination: address, ...hop })}\n`);
  } catch (error) {
    if (!isNicshareError(error)) throw error;
    process.stdout.write(
      `${JSON.stringify({ destination: address, code: error.code, message: error.message })}\n`,
    );
    process.exitCode = 1;
  }
}

async function printTable(resolver: Resolver, addresses: readonly string[]): Promise<void> {
  const answers = await Promise.all(addresses.map((address) => describe(resolver, address)));
  const rows = answers.filter((answer) => typeof answer !== 'string');
  if (rows.length > 0) process.stdout.write(`${formatTable(COLUMNS, rows, 4)}\n`);
  for (const reason of answers.filter((answer) => typeof answer === 'string')) {
    process.stderr.write(`nicshare: ${reason}\n`);
    process.exitCode = 1;
  }
}

/** `nicshare resolve`. Throws NicshareError NotSupported where the device has no interface. */
export async function runResolve(addresses: readonly string[], { socket, json }: Options): Promise<void> {
  const client = await connect(socket === undefined ? {} : { socket });
  try {
    const resolver = await client.resolver();
    if (!json) return await printTable(resolver, addresses);
    for (const address of addresses) await printJson(resolver, address);
  } finally {
    await client.close();
  }
}
