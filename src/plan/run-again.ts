/** The command that repeats an activation: printed, logged, and in GET /active. */
import { shellWord } from "../core/shell-word.js";
import { formatDuration } from "../core/units.js";
import type { ActivationValue } from "./value.js";

type Repeated = Pick<
  ActivationValue,
  "profile" | "seed" | "mode" | "proxies" | "compiled" | "written" | "ttl" | "fleet"
>;

/** The daemon that carries it out: the line is to work as it stands. */
export interface Repeater {
  readonly version: string;
  /** Where it is asked for, such as `http://127.0.0.1:8474`; null where there is no admin port. */
  readonly admin: string | null;
  /** Whether it wants a token, which no journal shows. */
  readonly guarded: boolean;
  /**
   * What its certificate is held against, over HTTPS: the file of the CA, or the one that `SQUALL_ADMIN_CA` names, where the CA is in
   * no file. Null for the usual roots, and over plain HTTP.
   */
  readonly ca: { readonly file: string } | "variable" | null;
}

/** Where the command line looks without being told. */
const USUAL = "http://127.0.0.1:8474";

/** Where something is on `beside` it, the line leaves that on; else it puts this in place of whatever is on. */
export function runAgain(value: Repeated, by: Repeater, beside = false): string {
  const line =
    value.written === null
      ? useAgain(value, by, beside).map(shellWord).join(" ")
      : sendAgain(value, value.written, by, beside);
  return `${line}  # squall ${by.version}`;
}

function useAgain(
  { profile, seed, mode, proxies, compiled, ttl, fleet }: Repeated,
  { admin, ca }: Repeater,
  beside: boolean,
): string[] {
  const words = ["squall", "use", profile, "--seed", String(seed)];
  for (const [name, param] of Object.entries(compiled.params))
    words.push("--param", `${name}=${String(param)}`);
  const lasts = fleet?.lasts ?? ttl;
  if (lasts !== null) words.push("--ttl", formatDuration(lasts));
  if (proxies !== null) words.push("--proxy", ...proxies);
  if (mode === "observe") words.push("--observe");
  if (fleet !== undefined) words.push(...fleet.words);
  if (beside) words.push("--add");
  if (admin !== null && admin !== USUAL) words.push("--admin", admin);
  // The command line reads the variable by itself.
  if (ca !== null && ca !== "variable") words.push("--admin-ca", ca.file);
  return words;
}

/** Faults without a profile go the way they came. */
function sendAgain(
  { seed, mode, proxies, ttl }: Repeated,
  faults: readonly unknown[],
  { admin, guarded, ca }: Repeater,
  beside: boolean,
): string {
  const body = {
    faults,
    seed,
    ...(ttl === null ? {} : { ttl: formatDuration(ttl) }),
    ...(proxies === null ? {} : { proxies }),
    ...(mode === "observe" ? { mode } : {}),
  };
  const at = admin === null || admin === USUAL ? "localhost:8474" : admin;
  // The shell that runs it is to know the token.
  const token = guarded ? ` -H "Authorization: Bearer $SQUALL_ADMIN_TOKEN"` : "";
  const trust =
    ca === null ? "" : ca === "variable" ? ' --cacert "$SQUALL_ADMIN_CA"' : ` --cacert ${shellWord(ca.file)}`;
  return `curl -X ${beside ? "POST" : "PUT"} ${shellWord(`${at}/active`)}${trust}${token} -d ${shellWord(JSON.stringify(body))}`;
}
