/*
 * echo.js SOCKET QUEUE: an application without rights, which sends every packet of its queue back with the MAC
 * addresses exchanged. Attaches again where the dispatcher went. Says `attached` each time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, isNicshareError, type Port } from '@nicshare/client';

const [socket, queue] = process.argv.slice(2) as [string, string];
const NOBODY = 65534;
const BURST = 64;
const MAC = 6;

async function echo(port: Port): Promise<void> {
  const answers = port.createTxBatch(BURST);
  for await (const { bytes, offset, length, count } of port) {
    for (let done = 0; done < count; ) {
      const reserved = port.reserve(answers, Math.min(count - done, BURST));
      for (let k = 0; k < reserved; k++) {
        const from = offset[done + k]!;
        const to = answers.offset[k]!;
        const bytesOf = length[done + k]!;
        answers.bytes.set(bytes.subarray(from, from + bytesOf), to);
        answers.bytes.copyWithin(to, to + MAC, to + 2 * MAC);
        answers.bytes.set(bytes.subarray(from, from + MAC), to + MAC);
        answers.length[k] = bytesOf;
      }
      done += port.txBurst(answers);
      if (reserved === 0 && !(await port.writable())) return;
    }
  }
}

process.setgroups!([]);
process.setgid!(NOBODY);
process.setuid!(NOBODY);
for (;;) {
  try {
    const client = await connect({ socket });
    const port = await client.attach(queue);
    console.log(`attached ${port.trusted}`);
    await echo(port);
    await client.close();
  } catch (error) {
    if (!isNicshareError(error)) throw error;
  }
  await sleep(100);
}
