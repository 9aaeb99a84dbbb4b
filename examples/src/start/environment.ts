/* What the orchestrator tells its processes by their environment. */

/** The user that a client becomes. */
export const USER_VARIABLE = 'NICSHARE_DEMO_USER';
/** The demo's temporary directory. */
export const DIRECTORY_VARIABLE = 'NICSHARE_DEMO_DIRECTORY';
