/** On what it was measured, and with which versions of what. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as os from "node:os";
import { dirname, join } from "node:path";

const ROOT = new URL("../../", import.meta.url);
const require = createRequire(import.meta.url);

export function machine() {
  const [cpu] = os.cpus();
  const load = os.loadavg();
  return {
    cpu: cpu?.model.trim() ?? "unknown",
    cores: os.availableParallelism(),
    memory: `${(os.totalmem() / 2 ** 30).toFixed(0)} GiB`,
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    busy: load[0] > os.availableParallelism() / 4,
    load: load.map((one) => one.toFixed(1)).join(" "),
  };
}

/** `own`: whether the build measured is that of the sources beside this folder. `null` stands for what is not here. */
export function versions({ own, toxiproxy }) {
  return {
    "squall": `${packageVersion(new URL("package.json", ROOT))}${own ? commit() : " (another build)"}`,
    "node": process.version.slice(1),
    "nginx": firstMatch("nginx", ["-v"], /nginx\/(\S+)/u),
    "wrk": firstMatch("wrk", ["-v"], /^wrk (?:debian\/)?(\S+)/u),
    "haproxy": firstMatch("haproxy", ["-v"], /version (\S+)/u),
    "openssl": firstMatch("openssl", ["version"], /^OpenSSL (\S+)/u),
    "toxiproxy": toxiproxy === null ? null : firstMatch(toxiproxy, ["--version"], /version (\S+)/u),
    "http-proxy": packageVersion(manifestOf("http-proxy")),
    "http-proxy-3": packageVersion(manifestOf("http-proxy-3")),
    "httpxy": packageVersion(manifestOf("httpxy")),
  };
}

/** Whether a program is on PATH. */
export function has(command) {
  return spawnSync(command, ["-v"], { stdio: "ignore" }).error === undefined;
}

/** Whether a package is installed. */
export function hasPackage(name) {
  return manifestOf(name) !== null;
}

function manifestOf(name) {
  for (const folder of require.resolve.paths(name) ?? []) {
    const file = join(folder, name, "package.json");
    if (packageVersion(file) !== null) return file;
  }
  return null;
}

function packageVersion(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).version;
  } catch {
    return null;
  }
}

function firstMatch(command, args, pattern) {
  const { stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (error) return null;
  return pattern.exec(`${stdout}${stderr}`)?.[1] ?? "unknown";
}

/** The module for `stream` of the nginx that is here: its path, `null` where it is built in, or undefined. */
export function nginxStream() {
  const { stderr, error } = spawnSync("nginx", ["-V"], { encoding: "utf8" });
  if (error) return undefined;
  if (/--with-stream(?:\s|$)/u.test(stderr)) return null;
  const prefix = /--prefix=(\S+)/u.exec(stderr)?.[1] ?? "/usr";
  const modules = /--modules-path=(\S+)/u.exec(stderr)?.[1] ?? join(prefix, "modules");
  const file = join(modules, "ngx_stream_module.so");
  try {
    readFileSync(file);
    return file;
  } catch {
    return undefined;
  }
}

function commit() {
  try {
    const git = (...args) =>
      execFileSync("git", args, {
        cwd: dirname(new URL("package.json", ROOT).pathname),
        encoding: "utf8",
        stdio: "pipe",
      }).trim();
    const changed = git("status", "--porcelain", "--", "src") === "" ? "" : " and changes";
    return ` (${git("rev-parse", "--short", "HEAD")}${changed})`;
  } catch {
    return "";
  }
}
