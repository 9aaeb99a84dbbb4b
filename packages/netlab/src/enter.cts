/*
 * enter.cjs PID PROGRAM [ARGUMENT ...]: becomes PROGRAM inside the network namespace of process PID.
 *
 * CommonJS, for it must be through before the event loop turns: Node has opened the IPC channel already, and would
 * take messages from it that are meant for PROGRAM.
 */
import fs = require('node:fs');
import util = require('node:util');
import koffi = require('koffi');

const CLONE_NEWNET = 0x40000000;
const F_SETFD = 2;
const SIGPIPE = 13;
const SIG_DFL = 0;

const lib = koffi.load('libc.so.6');
const setns = lib.func('int setns(int fd, int type)');
const fcntl = lib.func('int fcntl(int fd, int command, int argument)');
const signal = lib.func('intptr_t signal(int number, intptr_t handler)');
const execvpe = lib.func('int execvpe(const char *file, const char **argv, const char **envp)');

function fail(what: string): never {
  const text = util.getSystemErrorMap().get(-koffi.errno())?.join(', ') ?? `errno ${koffi.errno()}`;
  fs.writeSync(2, `${what}: ${text}\n`);
  process.exit(127);
}

/** The environment as this process got it: Node has taken the IPC channel's variables out of process.env. */
function originalEnvironment(): string[] {
  return fs.readFileSync('/proc/self/environ', 'utf8').split('\0').slice(0, -1);
}

const [pid = '', program = '', ...args] = process.argv.slice(2);
const environment = originalEnvironment();

const namespace = fs.openSync(`/proc/${pid}/ns/net`, 'r');
if (setns(namespace, CLONE_NEWNET) < 0) fail(`Cannot enter the network namespace of process ${pid}`);
fs.closeSync(namespace);

// Node marks what it inherited as close-on-exec, and ignores SIGPIPE; PROGRAM shall find both as its parent set them.
const channel = environment.find((entry) => entry.startsWith('NODE_CHANNEL_FD='))?.split('=')[1];
for (const fd of [0, 1, 2, ...(channel === undefined ? [] : [Number(channel)])]) fcntl(fd, F_SETFD, 0);
signal(SIGPIPE, SIG_DFL);

execvpe(program, [program, ...args, null], [...environment, null]);
fail(`Cannot run ${program}`);
