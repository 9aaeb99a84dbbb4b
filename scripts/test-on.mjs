// Runs the tests on this Node.js and then on others: test-on.mjs MAJOR... [-- FILE...]. Ends with the line
// 'N passed, N failed, N skipped' of all runs together.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

const TESTS = join(import.meta.dirname, 'test.mjs');
const words = process.argv.slice(2);
const end = words.includes('--') ? words.indexOf('--') : words.length;
const [majors, files] = [words.slice(0, end), words.slice(end + 1)];

const folder = mkdtempSync(join(tmpdir(), 'nicshare-node-'));
// Tests run programs as other users.
chmodSync(folder, 0o755);

/** Another Node.js out of npm's registry, of the package that holds the program alone and runs no script. */
function install(major) {
  const name = `node-linux-${process.arch}`;
  const prefix = join(folder, major);
  const options = ['--no-save', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', prefix];
  execFileSync('npm', ['install', ...options, `${name}@${major}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return join(prefix, 'node_modules', name, 'bin', 'node');
}

/** Passes the output on, but for the last line; returns the counts in it. Guests are booted on this Node.js alone. */
async function test(node) {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  console.log(`Tests on Node.js ${version}`);
  const lab = node === process.execPath ? {} : { NICSHARE_LAB: 'off' };
  const env = { ...process.env, ...lab, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  const child = spawn(node, [TESTS, ...files], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  let counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const line of createInterface({ input: child.stdout })) {
    const total = /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(line);
    if (total) counts = { passed: Number(total[1]), failed: Number(total[2]), skipped: Number(total[3]) };
    else console.log(line);
  }
  const status = await ended;
  // A run that broke off has failed, whatever it counted.
  if (status !== 0 && counts.failed === 0) counts.failed = 1;
  console.log(`On Node.js ${version}: ${Object.entries(counts).map(([what, n]) => `${n} ${what}`)}`);
  return counts;
}

const total = { passed: 0, failed: 0, skipped: 0 };
try {
  for (const node of [process.execPath, ...majors.map(install)]) {
    const counts = await test(node);
    for (const what of Object.keys(total)) total[what] += counts[what];
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 ? 1 : 0;
