/** On what it was measured. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import * as os from "node:os";

const ROOT = new URL("../../", import.meta.url);

export function machine() {
  const [cpu] = os.cpus();
  return {
    cpu: cpu?.model.trim() ?? "unknown",
    cores: os.availableParallelism(),
    memory: `${(os.totalmem() / 2 ** 30).toFixed(0)} GiB`,
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    busy: os.loadavg()[0] > os.availableParallelism() / 2,
    load: os
      .loadavg()
      .map((load) => load.toFixed(1))
      .join(" "),
  };
}

/** `own`: whether the build measured is that of the sources beside this folder. */
export function versions({ own }) {
  return {
    squall: `${JSON.parse(readFileSync(new URL("package.json", ROOT), "utf8")).version}${own ? commit() : " (another build)"}`,
    node: process.version,
    nginx: firstLine("nginx", ["-v"], /nginx\/(\S+)/u),
    wrk: firstLine("wrk", ["-v"], /^wrk (?:debian\/)?(\S+)/u),
    haproxy: firstLine("haproxy", ["-v"], /version (\S+)/u),
  };
}

export function has(command) {
  return spawnSync(command, ["-v"], { stdio: "ignore" }).error === undefined;
}

function firstLine(command, args, pattern) {
  const { stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (error) return null;
  return pattern.exec(`${stdout}${stderr}`)?.[1] ?? "unknown";
}

function commit() {
  try {
    const git = (...args) => execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: "pipe" }).trim();
    const changed = git("status", "--porcelain", "--", "src") === "" ? "" : " and changes";
    return ` (${git("rev-parse", "--short", "HEAD")}${changed})`;
  } catch {
    return "";
  }
}
