/** What the form asks for: as the body of the call, and as lines that do the same in a shell or in a test. Pure. */
import { shellWord } from "../../core/shell-word.js";
import type { ProfileParam } from "./answers.js";

export interface Wanted {
  readonly profile: string;
  /** As they stand in their fields; empty for what was left as it is. */
  readonly params: ReadonlyMap<string, string>;
  readonly seed: string;
  readonly ttl: string;
  /** Null for all. */
  readonly proxies: readonly string[] | null;
  readonly observe: boolean;
  /** Beside what is on, or in its place. */
  readonly beside: boolean;
}

export interface ActivationBody {
  readonly profile: string;
  readonly params?: Readonly<Record<string, string | number | boolean>>;
  readonly seed?: number | string;
  readonly ttl?: string;
  readonly proxies?: readonly string[];
  readonly mode?: "observe";
}

/** Where the daemon is asked: the origin of this page, and whether it wants a token. */
export interface Asked {
  readonly origin: string;
  readonly guarded: boolean;
}

const USUAL = "http://127.0.0.1:8474";

export function bodyOf(wanted: Wanted, declared: readonly ProfileParam[]): ActivationBody {
  const params = Object.fromEntries(
    declared.flatMap((param) => {
      const given = wanted.params.get(param.name)?.trim() ?? "";
      return given === "" || given === String(param.default)
        ? []
        : [[param.name, typed(given, param.default)]];
    }),
  ) as Record<string, string | number | boolean>;
  const seed = wanted.seed.trim();
  const ttl = wanted.ttl.trim();
  return {
    profile: wanted.profile,
    ...(Object.keys(params).length === 0 ? {} : { params }),
    // What is no number goes as it is: the daemon says what is wrong with it.
    ...(seed === "" ? {} : { seed: /^\d{1,15}$/u.test(seed) ? Number(seed) : seed }),
    ...(ttl === "" ? {} : { ttl }),
    ...(wanted.proxies === null ? {} : { proxies: wanted.proxies }),
    ...(wanted.observe ? { mode: "observe" as const } : {}),
  };
}

export function methodOf({ beside }: Wanted): "POST" | "PUT" {
  return beside ? "POST" : "PUT";
}

export function curlLine(
  wanted: Wanted,
  declared: readonly ProfileParam[],
  { origin, guarded }: Asked,
): string {
  const body = JSON.stringify(bodyOf(wanted, declared));
  const token = guarded ? ' -H "Authorization: Bearer $SQUALL_ADMIN_TOKEN"' : "";
  const trust = origin.startsWith("https:") ? ' --cacert "$SQUALL_ADMIN_CA"' : "";
  return `curl -X ${methodOf(wanted)} ${shellWord(`${origin}/active`)}${trust}${token} -d ${shellWord(body)}`;
}

export function commandLine(wanted: Wanted, declared: readonly ProfileParam[], { origin }: Asked): string {
  const { profile, params = {}, seed, ttl, proxies, mode } = bodyOf(wanted, declared);
  const words = ["squall", "use", profile];
  if (seed !== undefined) words.push("--seed", String(seed));
  for (const [name, value] of Object.entries(params)) words.push("--param", `${name}=${String(value)}`);
  if (ttl !== undefined) words.push("--ttl", ttl);
  if (proxies !== undefined) words.push("--proxy", ...proxies);
  if (mode !== undefined) words.push("--observe");
  if (wanted.beside) words.push("--add");
  if (origin !== USUAL && origin !== "http://localhost:8474") words.push("--admin", origin);
  return words.map(shellWord).join(" ");
}

/** With the fixture of docs/test-suites.md: its short form where that says all, else the call itself. */
export function pytestLine(wanted: Wanted, declared: readonly ProfileParam[]): string {
  const body = bodyOf(wanted, declared);
  const { profile, params = {}, seed, ttl, proxies, mode } = body;
  const names = Object.keys(params);
  const short =
    !wanted.beside &&
    proxies === undefined &&
    mode === undefined &&
    (ttl === undefined || ttl === "1m" || ttl === "60s") &&
    names.every((name) => /^[a-z_]\w*$/iu.test(name) && !PYTHON.has(name));
  if (!short) return `squall.call("${methodOf(wanted)}", "/active", json=${python(body)})`;
  const words = [
    python(profile),
    ...(seed === undefined ? [] : [`seed=${python(seed)}`]),
    ...names.map((name) => `${name}=${python(params[name])}`),
  ];
  return `squall.use(${words.join(", ")})`;
}

/** Words that are no names there, and those of the fixture's own parameters. */
const PYTHON = new Set(
  "and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass profile raise return seed self try while with yield None True False".split(
    " ",
  ),
);

/** A value as Python writes it: JSON, but for its three words. */
function python(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object")
    return `{${Object.entries(value)
      .map(([key, one]) => `${python(key)}: ${python(one)}`)
      .join(", ")}}`;
  return JSON.stringify(value);
}

/** As the default's kind, so that numbers are numbers in what is shown; the daemon reads text as well. */
function typed(given: string, like: ProfileParam["default"]): string | number | boolean {
  if (typeof like === "number" && /^-?\d+(?:\.\d+)?$/u.test(given)) return Number(given);
  if (typeof like === "boolean" && /^(?:true|false)$/u.test(given)) return given === "true";
  return given;
}
