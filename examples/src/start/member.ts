import { USER_VARIABLE } from './environment.js';

/* What a process of the demo says and does on the orchestrator's word; elsewhere none of it happens. */

/** Answers the orchestrator's questions, each a key of `answers`. */
export function answerQuestions(answers: Readonly<Record<string, () => unknown>>): void {
  process.on('message', async (question: string) => {
    process.send?.((await answers[question]?.()) ?? null);
  });
  process.channel?.unref();
}

/**
 * Called by an example once all is imported: where the demo started it as root (a checkout below a private home
 * can be read by nobody else), it becomes an unprivileged user. Then it tells its tally when asked.
 */
export function joinDemo(tally: object): void {
  const user = process.env[USER_VARIABLE];
  if (user === undefined) return;
  if (process.getuid?.() === 0) dropPrivileges(Number(user));
  answerQuestions({ tally: () => tally });
}

/** Of the user's own groups none is left: who could open the socket so far by a group cannot any more. */
function dropPrivileges(user: number): void {
  process.setgroups!([]);
  process.setgid!(user);
  process.setuid!(user);
}
