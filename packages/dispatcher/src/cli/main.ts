import { createRequire } from 'node:module';
import { isNicshareError } from '@nicshare/shm/errors';
import { Command, InvalidArgumentError, Option } from 'commander';

// Each command is loaded when it runs: `doctor` has to work where what the others need does not load.

const VERSION = (createRequire(import.meta.url)('../../package.json') as { version: string }).version;

const EXAMPLE = `
A configuration, complete (all else has defaults):

  socket: { path: /run/nicshare/default.sock, mode: '0660' }   # for root and the group nicshare
  device: { driver: af_xdp, interface: eth1 }
  queues:
    - { name: dns, match: { protocol: udp, destinationPort: 53 }, allow: { users: [nobody] } }
    - { name: rest, match: { protocol: udp }, priority: 1000 }
  unmatched: pass          # what no queue takes stays with the kernel

An application then attaches by name, without privileges:

  const client = await connect();
  const port = await client.attach('dns');

Before: nicshare doctor             what this machine lacks, and how to mend it
Afterwards: nicshare queues         who is attached, rates, drops
            nicshare top            the same and more, live
            nicshare tap            the packets of a queue, live, for tcpdump and Wireshark`;

const TAP_EXAMPLES = `
  nicshare tap dns -w - | tcpdump -n -r -                  # one queue, live
  nicshare tap --device -f 'tcp port 443' -w capture.pcapng
  nicshare tap --device -w - | tshark -i - -Y 'frame.comment' -T fields -e frame.interface_name -e frame.comment

Root and the dispatcher's user may tap, and whom capture.allow of its configuration names. The traffic goes first: what
a tap cannot take is counted and left out.`;

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0.1 && value <= 3600))
    throw new InvalidArgumentError('It must be a number of seconds, from 0.1 to 3600.');
  return value;
}

const whole =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };

const socketOption = (): Option =>
  new Option(
    '-s, --socket <path>',
    "the dispatcher's control socket (default: $NICSHARE_SOCKET, or the usual place)",
  );

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
  .action(async (options) => (await import('./dispatcher-command.js')).runDispatcher(options));

program
  .command('queues')
  .description('Show the queues of a running dispatcher: who is attached, packets and bits a second, drops.')
  .addOption(socketOption())
  .option('-i, --interval <seconds>', 'measure rates over so many seconds', seconds, 1)
  .option('-w, --watch', 'go on until Ctrl-C')
  .option('--json', 'print all counters as JSON, at once')
  .action(async (options) => (await import('./queues-command.js')).showQueues(options));

program
  .command('top')
  .description(
    'Watch a running dispatcher: rates and fill levels of device rings, queues and clients; q or Ctrl-C ends.',
  )
  .addOption(socketOption())
  .option('-i, --interval <seconds>', 'time between two looks', seconds, 1)
  .option('--json', 'print one JSON object a line instead of the table')
  .action(async (options) => (await import('./top-command.js')).runTop(options));

program
  .command('tap [queue]')
  .description(
    'Watch live what a queue or the whole device receives and sends, dropped packets included, as pcapng; Ctrl-C ends.',
  )
  .addOption(socketOption())
  .option('-d, --device', 'all packets of the device, instead of those of one queue')
  .option('-f, --filter <expression>', 'only packets that fit, as tcpdump takes it: pcap-filter(7)')
  .option('--snaplen <bytes>', 'of each packet at most', whole(14, 65535), 65535)
  .option('-c, --count <packets>', 'end after so many', whole(1, Number.MAX_SAFE_INTEGER))
  .requiredOption('-w, --write <file>', 'where to write; - is standard output')
  .addHelpText('after', TAP_EXAMPLES)
  .action(async (queue, options) => (await import('./tap-command.js')).runTap(queue, options));

program
  .command('resolve')
  .description(
    'Say how packets to an address leave by the device: next hop, MAC address, source, MTU; asks for a neighbour that is not known.',
  )
  .argument('<address...>', 'IPv4 or IPv6 addresses')
  .addOption(socketOption())
  .option('--json', 'print one JSON object an address')
  .action(async (addresses, options) =>
    (await import('./resolve-command.js')).runResolve(addresses, options),
  );

program
  .command('doctor')
  .description(
    'Say what this machine has and lacks for a dispatcher, and the command that mends it; changes nothing.',
  )
  .option('-c, --config <file>', 'look at what this configuration needs')
  .addOption(
    new Option('-n, --interface <name>', 'look at this interface, with all defaults').conflicts('config'),
  )
  .option('--json', 'print the findings as JSON')
  .addHelpText('after', '\nThe exit status is 0 where nothing failed; warnings do not count.')
  .action(async (options) => (await import('./doctor-command.js')).runDoctor(options));

try {
  await program.parseAsync();
} catch (error) {
  const text = isNicshareError(error)
    ? `${error.code}: ${error.message}`
    : ((error as Error).stack ?? String(error));
  process.stderr.write(`nicshare: ${text}\n`);
  process.exitCode = 1;
}
