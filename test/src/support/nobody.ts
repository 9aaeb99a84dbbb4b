/** The user without rights (nobody). */
export const NOBODY = 65534;

/** Without root a process of a test stays what it is: it can take no other user's identity. */
export const canBecomeNobody = process.getuid?.() === 0;

/** Gives all rights up, for good. To be called when all modules are loaded: their files may be unreadable then. */
export function becomeNobody(): void {
  if (!canBecomeNobody) return;
  process.setgroups!([]);
  process.setgid!(NOBODY);
  process.setuid!(NOBODY);
}
