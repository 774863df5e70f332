/** A process that has used up its descriptors, and what c-ares and our lookup say of that: a shell sets the limit. */
import { execFile } from "node:child_process";
import { platform } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { ROOT } from "../../support/process.js";

const run = promisify(execFile);

/** A process of its own uses all of its descriptors up, and then asks a server that would refuse it: as c-ares tells it, and as we do. */
const SCRIPT = `
  import { promises as dns } from "node:dns";
  import { openSync } from "node:fs";
  import { caresLookup } from ${JSON.stringify(pathToFileURL(join(ROOT, "dist/proxy/upstream/lookup.js")).href)};
  const settings = { servers: ["127.0.0.1:9"], timeout: 100, tries: 1 };
  const told = async (asked) => asked.then(() => "answered", ({ code }) => code);
  const asked = async () => {
    const plain = new dns.Resolver(settings);
    plain.setServers(settings.servers);
    const ours = caresLookup(settings);
    return [await told(plain.resolve4("a.test")), await told(ours.resolve4("a.test")), await told(ours.resolve6("a.test"))];
  };
  const before = await asked();
  for (;;) try { openSync("/dev/null", "r"); } catch { break; }
  console.log(JSON.stringify([before, await asked()]));
`;

it.skipIf(platform() !== "linux")("c-ares does not say that it got no descriptor, and we do", async () => {
  // The shell's limit is the hard one too, or Node would raise it.
  const node = `ulimit -n 64; exec "${process.execPath}" --input-type=module -e "$1"`;
  const { stdout } = await run("sh", ["-c", node, "sh", SCRIPT]);
  expect(JSON.parse(stdout)).toEqual([
    ["ECONNREFUSED", "ECONNREFUSED", "ECONNREFUSED"],
    ["ECONNREFUSED", "EMFILE", "EMFILE"],
  ]);
});
