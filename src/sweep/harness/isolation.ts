/**
 * A network of its own for each worker (Linux): a namespace with nothing in it but loopback, so that programs with fixed ports can run side by
 * side, and nothing of them leaves the machine. Where the system does not let us, it says why.
 */
import { spawnSync } from "node:child_process";
import { getuid, platform } from "node:process";
import { isLoopback } from "../../config/address.js";
import { HarnessError } from "../contract/run.js";
import type { RunSettings } from "../run-file/settings.js";

/** Loopback is there, and down. What comes behind these words is started within, in their place. */
export function withinNamespace(program: readonly string[]): readonly [string, ...string[]] {
  // Who is not root is root of a namespace of users, and of nothing else.
  const flags = getuid?.() === 0 ? ["--net"] : ["--map-root-user", "--net"];
  return ["unshare", ...flags, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", ...program];
}

/** Throws HarnessError where it cannot be, or would be of no use. */
export function checkIsolation(settings: Pick<RunSettings, "service" | "upstream" | "checked">): void {
  if (platform !== "linux")
    throw new HarnessError(
      "--isolate net: only Linux has namespaces of networks, and this is another system",
    );
  if (settings.service !== null)
    throw new HarnessError(
      "--isolate net: with service the system runs outside, where nothing within could reach it",
    );
  if (settings.upstream === null)
    throw new HarnessError(
      "--isolate net: within there is nothing but what Squall starts, and there is no upstream that it starts (upstream: a command for the server)",
    );
  const far = settings.checked.find(
    ({ protocol, dns, upstream }) =>
      (protocol !== "dns" || dns.source === "server") && !isWithin(upstream.host),
  );
  if (far !== undefined)
    throw new HarnessError(
      `--isolate net: the upstream of the proxy ${JSON.stringify(far.name)}, ${far.upstream.host}, is not within: only loopback is`,
    );
  const [program, ...words] = withinNamespace(["true"]);
  const tried = spawnSync(program, words, { encoding: "utf8", timeout: 10_000 });
  if (tried.error !== undefined)
    throw new HarnessError(`--isolate net: unshare (util-linux) cannot be started: ${tried.error.message}`, {
      cause: tried.error,
    });
  if (tried.status !== 0) throw new HarnessError(`--isolate net: ${refusalText(tried.stderr)}`);
}

function isWithin(host: string): boolean {
  return isLoopback(host) || /^(?:.+\.)?localhost$/iu.test(host);
}

function refusalText(said: string): string {
  const line = said.trim().split("\n").at(-1) ?? "";
  if (/\bip\b.*not found/u.test(line)) return "loopback cannot be set up within: ip (iproute2) is missing";
  const hint =
    getuid?.() === 0
      ? "a container needs the capability SYS_ADMIN for it"
      : "the system keeps namespaces from users, as by kernel.unprivileged_userns_clone, user.max_user_namespaces or AppArmor";
  return `this system makes no namespace of a network (${line === "" ? "no reason given" : line}); ${hint}`;
}
