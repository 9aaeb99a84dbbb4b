// Runs all compiled tests and ends with the line 'N passed, N failed, N skipped'. Arguments go to ava (files, --match).
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const counts = { passed: 0, failed: 0, skipped: 0 };
const child = spawn(
  process.execPath,
  ['node_modules/ava/entrypoints/cli.mjs', '--tap', ...process.argv.slice(2)],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);

for await (const line of createInterface({ input: child.stdout })) {
  const result = /^(not )?ok \d+ - (.*?)( # (SKIP|TODO).*)?$/.exec(line);
  if (!result) {
    if (!/^(TAP version|1\.\.|# (tests|pass|fail|skip)|# .* hook )/.test(line)) console.log(line);
    continue;
  }
  const [, not, title, skipped] = result;
  const outcome = skipped ? 'skipped' : not ? 'failed' : 'passed';
  counts[outcome]++;
  console.log(`${outcome.padEnd(8)} ${title}`);
}

const status =
  child.exitCode ?? (await new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1))));
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = status !== 0 || counts.failed > 0 || counts.passed === 0 ? 1 : 0;
