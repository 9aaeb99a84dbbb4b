import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { isNicshareError } from '@nicshare/shm';
import { SystemError } from '@nicshare/shm/sys';
import test, { type ExecutionContext } from 'ava';
import {
  canCreateNamespaces,
  createNamespace,
  createVethPair,
  type Namespace,
  spawnInside,
} from './index.js';

const EEXIST = 17;
const possible = canCreateNamespaces();
const withNamespaces = possible === true ? test.serial : test.serial.skip;
const title = (text: string): string => (possible === true ? text : `${text} (skipped: ${possible})`);
const MAC_A = '02:00:00:00:00:01';
const MAC_B = '02:00:00:00:00:02';
const IPC = { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] } as const;

async function namespaces(t: ExecutionContext): Promise<[Namespace, Namespace]> {
  const pair: [Namespace, Namespace] = [await createNamespace(), await createNamespace()];
  t.teardown(async () => {
    await pair[0].close();
    await pair[1].close();
  });
  return pair;
}

function joined(a: Namespace, b: Namespace): Promise<void> {
  return createVethPair(
    { namespace: a, name: 'lab0', mac: MAC_A, addresses: ['10.77.0.1/24'], queues: 2 },
    { namespace: b, name: 'lab1', mac: MAC_B, addresses: ['10.77.0.2/24'] },
  );
}

/** Runs a CommonJS script inside, with an IPC channel; it ends with the test at the latest. */
function run(t: ExecutionContext, namespace: Namespace, script: string): ChildProcess {
  const child = spawnInside(namespace, process.execPath, ['-e', script], { ...IPC, stdio: [...IPC.stdio] });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

async function eventually(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    if (await condition()) return true;
    await delay(10);
  }
  return false;
}

withNamespaces(title('a new namespace has lo alone, up, and this process sees nothing of it'), async (t) => {
  const before = Object.keys(networkInterfaces());
  const [a] = await namespaces(t);
  const links = await a.run('listLinks');
  t.deepEqual(
    links.map(({ name, up }) => ({ name, up })),
    [{ name: 'lo', up: true }],
  );
  t.deepEqual(Object.keys(networkInterfaces()), before);
});

withNamespaces(
  title('a veth pair has the names, MAC addresses and queues that were asked for'),
  async (t) => {
    const [a, b] = await namespaces(t);
    await joined(a, b);
    const one = (await a.run('listLinks')).find((link) => link.name === 'lab0')!;
    const other = (await b.run('listLinks')).find((link) => link.name === 'lab1')!;
    t.like(one, { mac: MAC_A, up: true, running: true, rxQueues: 2, txQueues: 2 });
    t.like(other, { mac: MAC_B, up: true, running: true, rxQueues: 1, txQueues: 1 });
  },
);

withNamespaces(title('kernel UDP crosses the pair and comes back'), async (t) => {
  const [a, b] = await namespaces(t);
  await joined(a, b);
  const echo = run(
    t,
    b,
    `const s = require('dgram').createSocket('udp4');
     s.on('message', (m, from) => s.send('echo ' + m, from.port, from.address));
     s.bind(7000, '10.77.0.2', () => process.send('listening'));`,
  );
  await once(echo, 'message');
  const asker = run(
    t,
    a,
    `const s = require('dgram').createSocket('udp4');
     s.on('message', (m, from) => process.send(m + ' from ' + from.address, () => process.exit()));
     s.send('hello', 7000, '10.77.0.2');`,
  );
  const [answer] = await once(asker, 'message');
  t.is(answer, 'echo hello from 10.77.0.2');
});

withNamespaces(title('a route leads to the other side, also for IPv6'), async (t) => {
  const a = await createNamespace({ ipv6: true });
  const b = await createNamespace({ ipv6: true });
  t.teardown(() => Promise.all([a.close(), b.close()]));
  await createVethPair(
    { namespace: a, name: 'lab0', mac: MAC_A, addresses: ['10.77.0.1/24', 'fd00::1/64'] },
    { namespace: b, name: 'lab1', mac: MAC_B, addresses: ['10.77.0.2/24', 'fd00::2/64'] },
  );
  await b.run('addAddress', 'lo', '10.88.0.1/32');
  await b.run('addAddress', 'lo', 'fd88::1/128');
  await a.run('addRoute', 'lab0', '10.88.0.0/16', '10.77.0.2');
  await a.run('addRoute', 'lab0', 'fd88::/16', 'fd00::2');
  const server = run(
    t,
    b,
    `require('net').createServer((s) => s.end('reached')).listen(7000, '::', () => process.send('listening'));`,
  );
  await once(server, 'message');
  for (const address of ['10.88.0.1', 'fd88::1']) {
    const asker = run(
      t,
      a,
      `require('net').connect(7000, '${address}').on('data', (d) => process.send(String(d)))
         .on('error', (e) => process.send(e.message));`,
    );
    const [answer] = await once(asker, 'message');
    t.is(answer, 'reached', address);
  }
});

withNamespaces(title('a program inside keeps its pid, streams, environment and IPC channel'), async (t) => {
  const [a, b] = await namespaces(t);
  await joined(a, b);
  const script = `
    process.stdin.on('data', (d) => process.stdout.write('out ' + d));
    process.on('message', (m) => process.send({ m, pid: process.pid, env: process.env.LAB, net: require('os').networkInterfaces() }));`;
  const child = spawnInside(a, process.execPath, ['-e', script], {
    stdio: ['pipe', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, LAB: 'yes' },
  });
  t.teardown(() => child.kill('SIGKILL'));
  child.send('sent before it runs');
  const [report] = await once(child, 'message');
  t.is(report.m, 'sent before it runs');
  t.is(report.pid, child.pid);
  t.is(report.env, 'yes');
  t.is(report.net.lab0[0].address, '10.77.0.1');
  t.is(report.net.lab0[0].mac, MAC_A);
  child.stdin!.write('x');
  const [text] = await once(child.stdout!, 'data');
  t.is(String(text), 'out x');
});

withNamespaces(title('a program that does not exist ends with 127 and says so'), async (t) => {
  const [a] = await namespaces(t);
  const child = spawnInside(a, '/no/such/program', [], { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr!.on('data', (chunk) => {
    text += chunk;
  });
  const [status] = await once(child, 'close');
  t.is(status, 127);
  t.regex(text, /Cannot run \/no\/such\/program: ENOENT/);
});

withNamespaces(title('a name that is taken is refused with EEXIST and what was tried'), async (t) => {
  const [a, b] = await namespaces(t);
  await joined(a, b);
  const error = await t.throwsAsync(joined(a, b), { instanceOf: SystemError });
  t.is(error.errno, EEXIST);
  t.regex(error.message, /create the veth pair lab0, lab1: EEXIST/);
});

withNamespaces(title('deleting one end deletes the other; a missing link is an error'), async (t) => {
  const [a, b] = await namespaces(t);
  await joined(a, b);
  await a.run('deleteLink', 'lab0');
  t.is((await b.run('listLinks')).length, 1);
  await t.throwsAsync(a.run('deleteLink', 'lab0'), {
    instanceOf: SystemError,
    message: /interface lab0: ENODEV/,
  });
});

withNamespaces(
  title('closing a namespace ends its holder, takes the pair along, and may be repeated'),
  async (t) => {
    const [a, b] = await namespaces(t);
    await joined(a, b);
    await a.close();
    await a.close();
    t.false(existsSync(`/proc/${a.pid}`));
    t.true(await eventually(async () => (await b.run('listLinks')).length === 1));
    const error = await t.throwsAsync(a.run('listLinks'));
    t.true(isNicshareError(error, 'Closed'));
  },
);

withNamespaces(title('the holder ends when its parent is killed'), async (t) => {
  const index = new URL('./index.js', import.meta.url).href;
  const script = `
    const { createNamespace } = await import('${index}');
    process.send((await createNamespace()).pid);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [holder] = await once(parent, 'message');
  t.true(existsSync(`/proc/${holder}`));
  parent.kill('SIGKILL');
  t.true(await eventually(() => !existsSync(`/proc/${holder}`)));
});
