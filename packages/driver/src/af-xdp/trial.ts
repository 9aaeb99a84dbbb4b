import { Worker } from 'node:worker_threads';

/** What came of a system call that was tried. */
export interface Attempt {
  /** `refused`: for lack of privileges; `missing`: the kernel cannot; `untried`: an earlier step failed. */
  readonly outcome: 'works' | 'refused' | 'missing' | 'untried';
  /** The call and the kernel's words where it failed, or why it was not tried. */
  readonly why?: string;
}

/** What AF_XDP needs of the kernel. */
export interface KernelTrial {
  /** socket(AF_XDP) and its RX ring. */
  readonly socket: Attempt;
  /** A map of sockets, and an XDP program that the verifier takes. */
  readonly program: Attempt;
  /** The program held on an interface by a BPF link, and replaced there at once. */
  readonly link: Attempt;
}

/**
 * Tries what AF_XDP needs, the link on the loopback interface of a network namespace that exists for the trial alone:
 * no interface of the machine is touched. Rejects where the trial itself breaks.
 */
export function tryKernel(): Promise<KernelTrial> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./trial-worker.js', import.meta.url));
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (status) => reject(new Error(`The trial ended without a result (${status}).`)));
  });
}
