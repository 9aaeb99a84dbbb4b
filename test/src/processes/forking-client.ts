/*
 * Attaches, then starts a process that keeps its control connection open, and waits to be killed. Arguments: socket,
 * queue.
 */
import { spawn } from 'node:child_process';
import { say } from '../support/parent.js';
import { RawSession } from '../support/raw-session.js';

const [socket, queue] = process.argv.slice(2) as [string, string];
const session = await RawSession.attach(socket, queue);
const heir = spawn('sleep', ['600'], { stdio: ['ignore', 'ignore', 'ignore', session.control.socket] });
await say('attached', { heir: heir.pid });
setInterval(() => {}, 1000);
