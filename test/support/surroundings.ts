/**
 * Runs before each test file (`setupFiles`): takes out of the environment what whoever runs the tests may have set for their own
 * programs. A test that wants one of these names sets it. The runner has read its own colours before.
 */
import process from "node:process";

const FOREIGN =
  /^(?:FORCE_COLOR|NO_COLOR|CLICOLOR(?:_FORCE)?|NODE_(?:OPTIONS|DEBUG)|LOG_LEVEL|(?:https?|all|no|ftp)_proxy)$/iu;

/** Squall's own names, but for those that choose what the tests walk. */
const OURS = /^(?:SQUALL_(?:_.*|ADMIN|ADMIN_TOKEN)|TOXIPROXY_URL)$/u;

for (const name of Object.keys(process.env)) {
  if (FOREIGN.test(name) || OURS.test(name)) Reflect.deleteProperty(process.env, name);
}
