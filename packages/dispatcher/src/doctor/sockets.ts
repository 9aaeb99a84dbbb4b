import { dirname } from 'node:path';
import { type Finding, fail, ok, warn } from './finding.js';
import type { DispatcherReadings, SocketReading } from './readings.js';

/** The control socket, its folder, and who may connect. */
export function socketFindings({ socket }: DispatcherReadings): Finding[] {
  return [path(socket), folder(socket), access(socket), descriptors(socket)];
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
  if (folder.exposed)
    return fail(
      subject,
      'others may write it, and pass for the dispatcher',
      `sudo chown $(id -un) ${folder.path} && sudo chmod go-w ${folder.path}`,
    );
  if (folder.writable) return ok(subject, folder.exists ? 'it can be written' : 'it can be made');
  return fail(
    subject,
    folder.exists ? 'it cannot be written' : `it cannot be made in ${folder.path}`,
    `sudo install -d -o $(id -un) ${dirname(path)}`,
  );
}

function access({ access }: SocketReading): Finding {
  const subject = 'who may connect';
  switch (access) {
    case 'all':
      return ok(subject, 'all users, by socket.mode');
    case 'group':
      return ok(subject, "the members of the socket's group");
    case 'own':
      return ok(subject, 'this user, and its group by socket.mode');
    default:
      return warn(
        subject,
        `root alone, for there is no group '${access.missing}'`,
        `sudo groupadd --system ${access.missing}`,
      );
  }
}

function descriptors({ descriptorsRefused }: SocketReading): Finding {
  const subject = 'descriptors from clients';
  if (descriptorsRefused) return ok(subject, 'the kernel refuses them');
  return warn(
    subject,
    'this kernel lets clients send some, by which one that may connect can hang the dispatcher',
    'boot Linux 6.16 or later where clients are not trusted',
  );
}
