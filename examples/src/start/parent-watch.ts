/*
 * Preloaded into every process that the demo starts (node --import): ends it when the orchestrator has gone, even by
 * kill -9, and removes what that would have removed.
 */
import { rmSync } from 'node:fs';
import { DIRECTORY_VARIABLE } from './environment.js';

process.on('disconnect', () => {
  removeDirectory(process.env[DIRECTORY_VARIABLE]);
  process.kill(process.pid, 'SIGTERM');
});
process.channel?.unref();

function removeDirectory(path: string | undefined): void {
  if (path === undefined) return;
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // An unprivileged client may not; the dispatcher, or another of the same user, may.
  }
}
