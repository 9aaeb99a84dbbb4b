import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { createDispatcher } from '@nicshare/dispatcher';
import test, { type ExecutionContext } from 'ava';
import { Bystander } from './support/bystander.js';
import { Command } from './support/command.js';
import { type FakeHost, fakeOptions, PORTS, startFake } from './support/fake-dispatcher.js';
import { numberedPacket } from './support/packets.js';
import { scratchFolder, scratchSocket } from './support/scratch.js';
import { until } from './support/until.js';

const METRICS = { metrics: { listen: '127.0.0.1:0' } };

/** Samples by name and labels, as they are written. */
async function scrape(host: FakeHost): Promise<Map<string, number>> {
  const answer = await fetch(host.dispatcher.metricsUrl!);
  const samples = (await answer.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

test.serial('a scrape over HTTP is OpenMetrics, and its counters move with the traffic', async (t) => {
  const host = await startFake(t, METRICS);
  const answer = await fetch(host.dispatcher.metricsUrl!);
  t.is(answer.status, 200);
  t.is(answer.headers.get('content-type'), 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  t.regex(await answer.text(), /\n# EOF\n$/);

  const before = await scrape(host);
  t.is(before.get('nicshare_queue_attached{queue="two"}'), 0);
  t.is(before.get('nicshare_queue_received_packets_total{queue="two"}'), 0);
  const bystander = await Bystander.attach(t, host);
  await bystander.exchange(48);
  const after = await scrape(host);
  t.is(after.get('nicshare_queue_attached{queue="two"}'), 1);
  t.is(after.get('nicshare_queue_received_packets_total{queue="two"}'), 48);
  t.is(after.get('nicshare_queue_received_packets_total{queue="one"}'), 0);
  t.is(after.get('nicshare_device_received_packets_total{device="fake"}'), 48);
  t.is(after.get('nicshare_ring_received_packets_total{device="fake",ring="0"}'), 48);
  const { totals } = await host.queue('two');
  t.is(after.get('nicshare_queue_received_bytes_total{queue="two"}'), totals.rxBytes);
});

test.serial(
  'packets of a queue without a client are drops with a reason; a past session counts on',
  async (t) => {
    const host = await startFake(t, METRICS);
    const bystander = await Bystander.attach(t, host, 'one');
    await bystander.exchange(8);
    await bystander.close();
    await until('its session is over', async () => (await host.queue('one')).client === null);
    for (let i = 0; i < 5; i++) t.true(host.wire.inject(numberedPacket(PORTS.one, i)));
    await until('they are counted', async () => (await host.queue('one')).dropNoClient === 5);
    const samples = await scrape(host);
    t.is(samples.get('nicshare_queue_attached{queue="one"}'), 0);
    t.is(samples.get('nicshare_queue_received_packets_total{queue="one"}'), 8);
    const drops = 'nicshare_queue_dropped_packets_total{queue="one",direction="rx",reason="no_client"}';
    t.is(samples.get(drops), 5);
  },
);

test.serial('other paths and methods are refused', async (t) => {
  const { metricsUrl } = (await startFake(t, METRICS)).dispatcher;
  t.is((await fetch(new URL('/', metricsUrl))).status, 404);
  t.is((await fetch(metricsUrl!, { method: 'POST' })).status, 405);
  t.is((await fetch(metricsUrl!, { method: 'HEAD' })).status, 200);
});

test.serial('without metrics in the configuration nothing listens', async (t) => {
  t.is((await startFake(t)).dispatcher.metricsUrl, undefined);
});

async function takenPort(t: ExecutionContext): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test.serial('a port that is taken: MetricsUnusable, and the socket is free again', async (t) => {
  const listen = `127.0.0.1:${await takenPort(t)}`;
  const socket = scratchSocket(t);
  const error = await t.throwsAsync(createDispatcher(fakeOptions(socket, { metrics: { listen } })), {
    name: 'MetricsUnusable',
  });
  t.true(error!.message.includes(listen));
  t.regex(error!.message, /metrics\.listen to another port/);
  const dispatcher = await createDispatcher(fakeOptions(socket));
  await dispatcher.close();
});

test.serial("an address that is not this machine's: MetricsUnusable", async (t) => {
  const metrics = { listen: '192.0.2.1:9464' };
  await t.throwsAsync(createDispatcher(fakeOptions(scratchSocket(t), { metrics })), {
    name: 'MetricsUnusable',
    message: /127\.0\.0\.1:9464/,
  });
});

test.serial('metrics end with the dispatcher, also where a scraper keeps its connection', async (t) => {
  const dispatcher = await createDispatcher(fakeOptions(scratchSocket(t), METRICS));
  const url = dispatcher.metricsUrl!;
  await (await fetch(url)).text();
  await dispatcher.close();
  await t.throwsAsync(fetch(url));
});

test.serial('the command says where the metrics are; a wrong address is refused with its line', async (t) => {
  const folder = scratchFolder(t);
  const config = (listen: string): string => {
    const file = join(folder, 'nicshare.yaml');
    writeFileSync(
      file,
      `socket: { path: ${folder}/s }\ndevice: { driver: fake }\nqueues: [{ name: a, match: any }]\nmetrics: { listen: '${listen}' }\n`,
    );
    return file;
  };
  const wrong = await Command.run(t, ['dispatcher', '--config', config('9464')]);
  t.is(wrong.status, 1);
  t.regex(wrong.errors, /ConfigInvalid: .*\n.*line 4: metrics\.listen: must be an address and a port/);
  const dispatcher = Command.start(t, ['dispatcher', '--config', config('127.0.0.1:0')]);
  await dispatcher.says('ready');
  const url = /^metrics: (http:\/\/127\.0\.0\.1:\d+\/metrics)$/m.exec(dispatcher.output)![1]!;
  t.is((await fetch(url)).status, 200);
  await dispatcher.end('SIGTERM');
  t.is(dispatcher.status, 0);
});
