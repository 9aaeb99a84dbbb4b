/*
 * Asks without end for neighbours that nobody is, until it is told `enough`; then it says how it was refused. Arguments:
 * socket, and the first three numbers of the addresses.
 */
import { becomeNobody } from '../support/nobody.js';
import { nextCommand, say } from '../support/parent.js';
import { RawControl } from '../support/raw-control.js';

const CONNECTIONS = 8;
const IN_FLIGHT = 200;
const [socket, network] = process.argv.slice(2) as [string, string];
becomeNobody();
const refused: Record<string, number> = {};
let enough = false;
let asked = 0;

async function flood(): Promise<void> {
  const control = await RawControl.greeted(socket);
  const ask = (): void => {
    const address = `${network}.${(asked >> 8) & 255}.${asked & 255}`;
    control.send({ type: 'resolve', id: asked++, address });
  };
  for (let i = 0; i < IN_FLIGHT; i++) ask();
  while (!enough) {
    const { code } = await control.next('refused');
    refused[code] = (refused[code] ?? 0) + 1;
    ask();
  }
  control.close();
}

const floods = Array.from({ length: CONNECTIONS }, flood);
await say('flooding');
await nextCommand();
enough = true;
await Promise.all(floods);
await say('flooded', { asked, refused });
process.disconnect();
