import { dirname } from 'node:path';
import { type Finding, fail, ok, warn } from './finding.js';
import type { DispatcherReadings, SocketReading } from './readings.js';

/** The control socket, its folder, and the names that a configuration gives access to. */
export function socketFindings({ socket, unknownAccounts }: DispatcherReadings): Finding[] {
  return [
    path(socket),
    folder(socket),
    ...group(socket),
    ...unknownAccounts.map(({ kind, name }) =>
      fail(`${kind} ${name}`, 'a queue allows it, but there is none', `sudo ${kind}add --system ${name}`),
    ),
  ];
}

function path({ path, state }: SocketReading): Finding {
  const subject = `socket ${path}`;
  switch (state) {
    case 'free':
      return ok(subject, 'the path is free');
    case 'stale':
      return ok(subject, 'left by a dispatcher that died; the next one replaces it');
    case 'listening':
      return fail(
        subject,
        'a dispatcher listens there',
        `end it, or set socket.path (its clients: npx nicshare queues --socket ${path})`,
      );
    case 'no socket':
      return fail(subject, 'there is a file that is no socket', `sudo rm ${path}`);
    case 'closed':
      return fail(
        subject,
        "it is somebody else's and cannot be asked",
        `sudo ls -l ${path}, or set socket.path`,
      );
    case 'too long':
      return fail(subject, 'the path is too long for a socket', 'set a shorter socket.path');
  }
}

function folder({ path, folder }: SocketReading): Finding {
  const subject = `folder ${dirname(path)}`;
  if (folder.writable) return ok(subject, folder.exists ? 'it can be written' : 'it can be made');
  return fail(
    subject,
    folder.exists ? 'it cannot be written' : `it cannot be made in ${folder.path}`,
    `sudo install -d -o $(id -un) ${dirname(path)}`,
  );
}

function group({ group }: SocketReading): Finding[] {
  if (!group) return [];
  const subject = `group ${group.name}`;
  if (group.exists) return [ok(subject, 'its members may connect')];
  const command = `sudo groupadd --system ${group.name}`;
  return [
    group.configured
      ? fail(subject, 'the configuration names it, but there is none', command)
      : warn(subject, 'there is none: root alone may connect, unless socket.mode says otherwise', command),
  ];
}
