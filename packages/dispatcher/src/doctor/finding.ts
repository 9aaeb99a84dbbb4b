export type Level = 'ok' | 'warn' | 'fail';

/** One thing that was looked at. */
export interface Finding {
  /** `warn`: a dispatcher works, with less; `fail`: it cannot start. */
  readonly level: Level;
  /** What was looked at: 'interface eth1'. */
  readonly subject: string;
  /** What was found. */
  readonly what: string;
  /** What to do about it: a command, where one does it. */
  readonly mend?: string;
}

export const ok = (subject: string, what: string): Finding => ({ level: 'ok', subject, what });

export const warn = (subject: string, what: string, mend: string): Finding => ({
  level: 'warn',
  subject,
  what,
  mend,
});

export const fail = (subject: string, what: string, mend: string): Finding => ({
  level: 'fail',
  subject,
  what,
  mend,
});
