/** Where the daemon is, seen from the browser: a reverse proxy may have it under a path of its own. */

const SCRIPT = import.meta.url;

/** Before `/ui/` and before each call of the API: empty, or such as `/squall`. */
export const BASE = SCRIPT.startsWith("http") ? new URL("..", SCRIPT).pathname.slice(0, -1) : "";
