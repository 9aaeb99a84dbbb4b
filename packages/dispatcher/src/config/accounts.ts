import { NicshareError } from '@nicshare/shm';
import koffi from 'koffi';

/* Names of users and groups, by the C library, so that all sources of names (NSS) count. */
const lib = koffi.load('libc.so.6');
const Passwd = koffi.struct({
  name: 'const char *',
  password: 'const char *',
  uid: 'uint32_t',
  gid: 'uint32_t',
});
const Group = koffi.struct({ name: 'const char *', password: 'const char *', gid: 'uint32_t' });
const getpwnam = lib.func('getpwnam', koffi.pointer(Passwd), ['const char *']);
const getgrnam = lib.func('getgrnam', koffi.pointer(Group), ['const char *']);

/** The group that may open a dispatcher's sockets where none is configured. */
export const STANDARD_GROUP = 'nicshare';

/** A user's number. Throws NicshareError ConfigInvalid where there is no such user. */
export function userId(user: string | number): number {
  if (typeof user === 'number') return user;
  const entry = getpwnam(user);
  if (entry === null) throw unknown('user', user);
  return (koffi.decode(entry, Passwd) as { uid: number }).uid;
}

/** A group's number. Throws NicshareError ConfigInvalid where there is no such group. */
export function groupId(group: string | number): number {
  if (typeof group === 'number') return group;
  const entry = getgrnam(group);
  if (entry === null) throw unknown('group', group);
  return (koffi.decode(entry, Group) as { gid: number }).gid;
}

const unknown = (kind: string, name: string): NicshareError =>
  new NicshareError(
    'ConfigInvalid',
    `There is no ${kind} named '${name}'.`,
    `Create it, or name another ${kind}.`,
  );
