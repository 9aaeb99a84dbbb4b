import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import * as sys from '../sys/index.js';
import { receiveDescriptors, sendDescriptors } from './descriptor-passing.js';
import { acceptUnix, connectUnix, listenUnix, peerCredentials, peerGroups } from './unix-socket.js';

test('descriptors and a message go over a socket, and the kernel names the peer', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nicshare-'));
  const path = join(folder, 's');
  const listener = listenUnix(path);
  t.is(statSync(path).mode & 0o777, 0o600);
  t.is(acceptUnix(listener), undefined);
  const client = connectUnix(path);
  const server = acceptUnix(listener)!;
  t.is(receiveDescriptors(client, 64), 'again');

  const memfd = sys.check(sys.libc.memfdCreate('test', sys.MFD_CLOEXEC), 'memfd_create');
  sys.check(sys.libc.ftruncate(memfd, 12345), 'ftruncate');
  sendDescriptors(server, Buffer.from('hello'), [memfd, memfd, memfd]);
  const received = receiveDescriptors(client, 64);
  if (typeof received === 'string') return t.fail(received);
  t.is(received.bytes.toString(), 'hello');
  t.is(received.descriptors.length, 3);
  for (const fd of received.descriptors) t.is(statSync(`/proc/self/fd/${fd}`).size, 12345);

  sendDescriptors(server, Buffer.alloc(100), []);
  t.is(receiveDescriptors(client, 64), 'truncated');

  const { pid, uid, gid } = peerCredentials(server);
  t.deepEqual([pid, uid, gid], [process.pid, process.getuid!(), process.getgid!()]);
  t.is(peerGroups(server)[0], gid);

  sys.libc.close(server);
  t.is(receiveDescriptors(client, 64), 'closed');
  for (const fd of [client, listener, memfd, ...received.descriptors]) sys.libc.close(fd);
  rmSync(folder, { recursive: true });
});

test('a path that is too long is refused in words', (t) => {
  t.throws(() => connectUnix('/'.padEnd(200, 'x')), { name: 'SocketUnusable' });
});
