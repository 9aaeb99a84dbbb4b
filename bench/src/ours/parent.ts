/** Sends a message to the benchmark; resolves when it is on its way. */
export const tell = (message: object): Promise<void> =>
  new Promise((resolve, reject) => {
    process.send!(message, undefined, {}, (error) => (error ? reject(error) : resolve()));
  });

/** The settings that the benchmark started this process with. */
export const settings = <T>(): T => JSON.parse(process.argv[2]!);

export interface Question {
  readonly type: 'usage' | 'stop';
}

/** Processor time of this process, all threads together, in nanoseconds. */
export function cpuNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

export const nowNs = (): number => Number(process.hrtime.bigint());

// Nobody is left behind where the benchmark is killed.
process.on('disconnect', () => process.exit());
// Ctrl-C goes to the whole group; the benchmark says when to end.
process.on('SIGINT', () => {});
