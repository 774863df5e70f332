/**
 * The command line of toxiproxy-server, which scripts and container images have in them: its flags become
 * those of `squall serve`. Go takes one dash or two, and a value behind a space or "=".
 */
import { API_VERSION } from "../admin/toxiproxy/version.js";
import { version } from "../version.js";
import { CommandError, EXIT } from "./io.js";

const FLAG = /^--?(host|port|config|seed|proxy-metrics|runtime-metrics|version)(?:=(.*))?$/su;
/** They may stand alone. */
const SWITCHES: ReadonlySet<string> = new Set(["proxy-metrics", "runtime-metrics", "version"]);

export interface ServeWords {
  readonly words: readonly string[];
  /** The versions are asked for, and nothing else. */
  readonly version: boolean;
  /** What a flag cannot have here, for whoever reads standard error. */
  readonly notes: readonly string[];
}

const NO_RUNTIME_METRICS =
  "-runtime-metrics has no effect: there is no Go runtime here to measure; /metrics always has those of this process";

/** The same command line without flags of Toxiproxy's own. Other commands than `serve` are left alone. */
export function withoutToxiproxyFlags(words: readonly string[]): ServeWords {
  const [first = ""] = words;
  if (first !== "serve" && !first.startsWith("-")) return { words, version: false, notes: [] };
  const given = new Map<string, Given>();
  const rest: string[] = [];
  const args = first === "serve" ? words.slice(1) : words;
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? "";
    const [, name, value] = FLAG.exec(word) ?? [];
    // `squall --version` is our own.
    if (name === undefined || (word === "--version" && first !== "serve")) rest.push(word);
    else if (value !== undefined || SWITCHES.has(name))
      given.set(name, { flag: flagOf(word), value: value ?? "true" });
    else given.set(name, { flag: word, value: valueOf(word, args[++index]) });
  }
  if (given.size === 0) return { words, version: false, notes: [] };
  const asked = (name: string): boolean => /^(?:1|t|true)$/iu.test(given.get(name)?.value ?? "");
  return {
    words: ["serve", ...serveFlags(given), ...rest],
    version: asked("version"),
    notes: asked("runtime-metrics") ? [NO_RUNTIME_METRICS] : [],
  };
}

function valueOf(word: string, next: string | undefined): string {
  if (next !== undefined) return next;
  throw new CommandError(EXIT.usage, `${word}: a value is missing`);
}

/** A flag with its value; mistakes are told by the flag as it was written, with one dash or two. */
interface Given {
  readonly flag: string;
  readonly value: string;
}

function flagOf(word: string): string {
  return word.replace(/=.*$/su, "");
}

function serveFlags(given: ReadonlyMap<string, Given>): string[] {
  const flags: string[] = [];
  const [host, port] = [given.get("host"), given.get("port")];
  if (host !== undefined || port !== undefined) flags.push("--admin", adminAddress(host?.value, port));
  const [config, seed] = [given.get("config"), given.get("seed")];
  if (config !== undefined) flags.push("--config", config.value);
  if (seed !== undefined) flags.push("--seed", seedOf(seed));
  return flags;
}

function adminAddress(host = "localhost", given: Given = { flag: "-port", value: "8474" }): string {
  const { flag, value: port } = given;
  if (!/^\d{1,5}$/u.test(port))
    throw new CommandError(EXIT.usage, `${flag}: expected a port, got ${JSON.stringify(port)}`);
  if (host === "localhost") return `127.0.0.1:${port}`;
  // As in Go: all addresses of either family.
  if (host === "0.0.0.0" || host === "::") return `:${port}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Theirs has 64 bits and may be negative, often the time in nanoseconds; ours has 53. */
function seedOf({ flag, value: text }: Given): string {
  if (!/^[-+]?\d{1,19}$/u.test(text))
    throw new CommandError(EXIT.usage, `${flag}: expected a whole number, got ${JSON.stringify(text)}`);
  return String(BigInt.asUintN(53, BigInt(text.replace(/^\+/u, ""))));
}

export function versionText(): string {
  return `squall ${version}\ntoxiproxy-server version ${API_VERSION} (whose API it serves)\n`;
}

/** The levels of Toxiproxy's log, as ours; undefined for none. */
export function logLevelOf(text: string | undefined): string | undefined {
  const level = text?.toLowerCase();
  switch (level) {
    case undefined:
    case "":
      return undefined;
    case "trace":
      return "debug";
    case "warning":
      return "warn";
    case "fatal":
    case "panic":
    case "disabled":
      return "error";
    default:
      return level;
  }
}
