import { createRequire } from 'node:module';
import { isNicshareError } from '@nicshare/shm';
import { Command, InvalidArgumentError } from 'commander';
import { runDispatcher } from './dispatcher-command.js';
import { showQueues } from './queues-command.js';

const VERSION = (createRequire(import.meta.url)('../../package.json') as { version: string }).version;

const EXAMPLE = `
A configuration, complete (all else has defaults):

  socket: { path: /run/nicshare/default.sock, mode: '0660' }   # for root and the group nicshare
  device: { driver: af_xdp, interface: eth1 }
  queues:
    - { name: dns, match: { protocol: udp, destinationPort: 53 }, allow: { users: [nobody] } }
    - { name: rest, match: { etherType: ipv4 }, priority: 1000 }
  unmatched: pass          # what no queue takes stays with the kernel

An application then attaches by name, without privileges:

  const client = await connect();
  const port = await client.attach('dns');

Afterwards: nicshare queues         who is attached, rates, drops`;

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0.1 && value <= 3600))
    throw new InvalidArgumentError('It must be a number of seconds, from 0.1 to 3600.');
  return value;
}

const program = new Command('nicshare')
  .description(
    'Share one network card among many processes: a dispatcher owns it, applications attach to named queues.',
  )
  .version(VERSION, '-v, --version')
  .showHelpAfterError('(nicshare --help shows commands and an example)')
  .addHelpText('after', EXAMPLE);

program
  .command('dispatcher')
  .description(
    'Own a network interface and serve the queues of a configuration file; ends on SIGTERM or Ctrl-C.',
  )
  .requiredOption('-c, --config <file>', 'configuration in YAML or JSON')
  .option('--check', 'only say whether the configuration is valid')
  .addHelpText('after', EXAMPLE)
  .action(runDispatcher);

program
  .command('queues')
  .description('Show the queues of a running dispatcher: who is attached, packets and bits a second, drops.')
  .option(
    '-s, --socket <path>',
    "the dispatcher's control socket (default: $NICSHARE_SOCKET, or the usual place)",
  )
  .option('-i, --interval <seconds>', 'measure rates over so many seconds', seconds, 1)
  .option('-w, --watch', 'go on until Ctrl-C')
  .option('--json', 'print all counters as JSON, at once')
  .action(showQueues);

try {
  await program.parseAsync();
} catch (error) {
  const text = isNicshareError(error)
    ? `${error.code}: ${error.message}`
    : ((error as Error).stack ?? String(error));
  process.stderr.write(`nicshare: ${text}\n`);
  process.exitCode = 1;
}
