/** The command that repeats an activation: printed, logged, and in GET /active. */
import { formatDuration } from "../core/units.js";
import type { ActivationValue } from "./value.js";

type Repeated = Pick<
  ActivationValue,
  "profile" | "seed" | "mode" | "proxies" | "compiled" | "written" | "ttl"
>;

/** The line that starts the same run again. */
export function runAgain(value: Repeated, version: string): string {
  const words = value.written === null ? useAgain(value) : putAgain(value, value.written);
  return `${words.map(quoted).join(" ")}  # squall ${version}`;
}

/** As a shell takes it for one word. */
function quoted(word: string): string {
  return /^[\w./=:%@+-]+$/u.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function useAgain({ profile, seed, mode, proxies, compiled, ttl }: Repeated): string[] {
  const words = ["squall", "use", profile, "--seed", String(seed)];
  for (const [name, param] of Object.entries(compiled.params))
    words.push("--param", `${name}=${String(param)}`);
  if (ttl !== null) words.push("--ttl", formatDuration(ttl));
  if (proxies !== null) words.push("--proxy", ...proxies);
  if (mode === "observe") words.push("--observe");
  return words;
}

/** Faults without a profile go the way they came. */
function putAgain({ seed, mode, proxies, ttl }: Repeated, faults: readonly unknown[]): string[] {
  const body = {
    faults,
    seed,
    ...(ttl === null ? {} : { ttl: formatDuration(ttl) }),
    ...(proxies === null ? {} : { proxies }),
    ...(mode === "observe" ? { mode } : {}),
  };
  return ["curl", "-X", "PUT", "localhost:8474/active", "-d", JSON.stringify(body)];
}
