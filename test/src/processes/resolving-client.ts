/*
 * An application without rights: resolves addresses, says what they come to, and what the kernel answers where it tries to
 * change the snapshot. Arguments: socket, address.
 */
import { connect } from '@nicshare/client';
import { claimAnswer, decode, encode, stackLayout } from '@nicshare/shm';
import { libc, MAP_SHARED, PROT_READ, PROT_WRITE } from '@nicshare/shm/sys';
import { O_RDWR, outcome, punchHole } from '../support/kernel-calls.js';
import { becomeNobody } from '../support/nobody.js';
import { say } from '../support/parent.js';
import { RawControl } from '../support/raw-control.js';
import { claimAnswered, sendClaim } from '../support/raw-session.js';

const [socket, address] = process.argv.slice(2) as [string, string];
becomeNobody();
const client = await connect({ socket });
const hop = await client.resolve(address);
await say('resolved', { uid: process.getuid!(), mac: hop.mac, source: hop.source });
await client.close();

const control = await RawControl.greeted(socket);
control.send({ type: 'stack', id: 1 });
const { token } = await control.next('granted');
const connection = sendClaim(socket, encode({ type: 'claim', token }));
const answer = await claimAnswered(connection);
libc.close(connection);
if (typeof answer === 'string') throw new Error(answer);
const [fd] = answer.descriptors as [number];
const bytes = stackLayout.STACK_BYTES;
await say('probed', {
  grant: decode(claimAnswer, answer.bytes).type,
  attempts: {
    'mmap writable': outcome(libc.mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)),
    'reopen by /proc/self/fd': outcome(libc.open(`/proc/self/fd/${fd}`, O_RDWR, 0)),
    'fallocate PUNCH_HOLE': punchHole(fd, 0, bytes),
    'ftruncate to nothing': outcome(libc.ftruncate(fd, 0)),
    fchmod: outcome(libc.fchmod(fd, 0o777)),
  },
});
control.close();
process.disconnect();
