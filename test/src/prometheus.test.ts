import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { latencyQuantile } from '@nicshare/dispatcher';
import test, { type ExecutionContext } from 'ava';
import { Bystander } from './support/bystander.js';
import { startFake } from './support/fake-dispatcher.js';
import { scratchFolder } from './support/scratch.js';
import { until } from './support/until.js';

const installed = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
const withProgram = (program: string): [typeof test.serial | typeof test.skip, (title: string) => string] =>
  installed(program)
    ? [test.serial, (title) => title]
    : [test.serial.skip, (title) => `${title} (skipped: ${program} is not installed)`];

const METRICS = { metrics: { listen: '127.0.0.1:0' }, latency: { sample: 1 } };

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** A Prometheus server of this test's own, that scrapes one target. */
class Prometheus {
  readonly #url: string;
  readonly #process: ChildProcess;
  #log = '';

  static async start(t: ExecutionContext, target: string): Promise<Prometheus> {
    const folder = scratchFolder(t);
    const config = join(folder, 'prometheus.yml');
    writeFileSync(
      config,
      `scrape_configs:\n  - job_name: nicshare\n    scrape_interval: 250ms\n    scrape_timeout: 250ms\n    static_configs: [{ targets: ['${target}'] }]\n`,
    );
    const address = `127.0.0.1:${await freePort()}`;
    const prometheus = new Prometheus(
      spawn(
        'prometheus',
        [
          `--config.file=${config}`,
          `--storage.tsdb.path=${join(folder, 'data')}`,
          `--web.listen-address=${address}`,
        ],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      ),
      `http://${address}`,
    );
    t.teardown(() => prometheus.end());
    await until('Prometheus is ready', () => prometheus.#ready());
    return prometheus;
  }

  private constructor(started: ChildProcess, url: string) {
    this.#process = started;
    this.#url = url;
    started.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
  }

  async #ready(): Promise<boolean> {
    if (this.#process.exitCode !== null) throw new Error(`Prometheus ended: ${this.#log}`);
    try {
      return (await fetch(`${this.#url}/-/ready`)).ok;
    } catch {
      return false;
    }
  }

  /** Asks its HTTP API, version 1. */
  async ask<T>(path: string, parameters: Record<string, string> = {}): Promise<T> {
    const answer = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const { status, data, error } = (await answer.json()) as { status: string; data: T; error?: string };
    if (status !== 'success') throw new Error(`${path}: ${error}`);
    return data;
  }

  async query(query: string): Promise<readonly Series[]> {
    return (await this.ask<{ result: readonly Series[] }>('query', { query })).result;
  }

  /** The one value that a query finds; undefined where there is none. */
  async value(query: string): Promise<number | undefined> {
    const [series] = await this.query(query);
    return series && Number(series.value[1]);
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill('SIGTERM');
    await once(this.#process, 'exit');
  }
}

const [withPrometheus, prometheusTitle] = withProgram('prometheus');

withPrometheus(
  prometheusTitle(
    'a Prometheus server scrapes the counters and the latencies, and computes quantiles of them',
  ),
  async (t) => {
    const host = await startFake(t, METRICS);
    const bystander = await Bystander.attach(t, host);
    const prometheus = await Prometheus.start(t, new URL(host.dispatcher.metricsUrl!).host);

    const p99 = 'histogram_quantile(0.99, sum by (le, stage) (rate(nicshare_latency_seconds_bucket[1m])))';
    await until('quantiles of all stages', async () => {
      await bystander.exchange(16);
      const stages = await prometheus.query(p99);
      return stages.length === 3 && stages.every(({ value }) => Number.isFinite(Number(value[1])));
    });
    const stages = await prometheus.query(p99);
    t.deepEqual(stages.map(({ metric }) => metric.stage).toSorted(), ['device', 'dispatch', 'pickup']);
    for (const { value } of stages) t.true(Number(value[1]) > 0 && Number(value[1]) <= 1.048576, value[1]);

    const received = 'nicshare_queue_received_packets_total{queue="two"}';
    await until('the last count', async () => (await prometheus.value(received)) === bystander.received);
    const count = 'nicshare_latency_seconds_count{queue="two",stage="pickup"}';
    const { latency } = await host.queue('two');
    await until(
      'the last sample',
      async () => (await prometheus.value(count)) === latency!.pickup.buckets.reduce((sum, n) => sum + n, 0),
    );

    for (const stage of ['device', 'dispatch', 'pickup'] as const)
      for (const share of [0.5, 0.99]) {
        const buckets = `nicshare_latency_seconds_bucket{queue="two",stage="${stage}"}`;
        const theirs = await prometheus.value(`histogram_quantile(${share}, ${buckets})`);
        const ours = latencyQuantile(latency![stage]!, share)!;
        t.true(Math.abs(theirs! - ours) < 1e-12, `${stage} ${share}: ${theirs}, we say ${ours}`);
      }

    const { activeTargets } = await prometheus.ask<{
      activeTargets: readonly { health: string; lastError: string }[];
    }>('targets');
    t.like(activeTargets[0], { health: 'up', lastError: '' });
    type Metadata = Record<string, readonly { type: string }[]>;
    const metadata = await prometheus.ask<Metadata>('metadata');
    t.is(metadata.nicshare_latency_seconds?.[0]?.type, 'histogram');
    t.is(metadata.nicshare_queue_attached?.[0]?.type, 'gauge');
    // A counter's family is named without its ending in OpenMetrics.
    t.is(metadata.nicshare_queue_received_packets?.[0]?.type, 'counter');
  },
);

const [withPromtool, promtoolTitle] = withProgram('promtool');

withPromtool(promtoolTitle('promtool finds nothing to complain of in the text format'), async (t) => {
  const host = await startFake(t, METRICS);
  await (await Bystander.attach(t, host)).exchange(16);
  const answer = await fetch(host.dispatcher.metricsUrl!, {
    headers: { accept: 'text/plain;version=0.0.4' },
  });
  t.is(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const text = await answer.text();
  t.regex(text, /^nicshare_queue_received_packets_total\{queue="two"\} 16$/m);
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  t.is(stdout + stderr, '');
  t.is(status, 0);
});
