/** What a proxy can know only of clients that speak TLS with it: refused where they do not, with the place of each. */
import { shown } from "../faults/params.js";
import { child, type Located } from "./located.js";
import { HELLO_KEYS } from "./match.js";
import type { Problems } from "./problems.js";

/** How a proxy speaks to its clients, as far as it was written down without a mistake. */
interface Spoken {
  readonly mode: unknown;
  readonly asksCertificates: boolean;
}

const HINT = "give the proxy secure, such as terminate";

function spokenBy(proxy: Located): Spoken | null {
  const secure = child(proxy, "secure");
  if (secure === undefined) return null;
  if (secure.kind === "scalar")
    return secure.value === false || secure.value === null
      ? null
      : { mode: secure.value, asksCertificates: false };
  const mode = child(secure, "mode");
  return {
    mode: mode?.kind === "scalar" ? mode.value : "terminate",
    asksCertificates: child(secure, "clients") !== undefined,
  };
}

/** `identify` and `except` of one proxy. */
export function refuseTlsRules(proxy: Located, problems: Problems): void {
  const spoken = spokenBy(proxy);
  for (const rule of listOf(child(proxy, "identify"))) {
    const word =
      rule.kind === "map" ? [...rule.entries.keys()][0] : rule.kind === "scalar" ? rule.value : null;
    if (word !== "sni" && word !== "certificate") continue;
    if (spoken === null)
      problems.add(
        rule,
        `${shown(word)} identifies bots by their TLS, and clients of this proxy speak none`,
        HINT,
      );
    else if (word === "certificate" && spoken.mode === "passthrough")
      problems.add(
        rule,
        "certificates of clients are encrypted where TLS passes through, so that no bot is known by them",
        'use "sni" or "client", or terminate',
      );
    else if (word === "certificate" && !spoken.asksCertificates)
      problems.add(
        rule,
        "clients show a certificate only where they are asked for one",
        "give secure clients: { ca: FILE }; require: false lets those in that have none",
      );
  }
  if (spoken !== null) return;
  for (const entry of listOf(child(proxy, "except")))
    for (const key of HELLO_KEYS) {
      const asked = child(entry, key);
      if (asked !== undefined)
        problems.add(
          asked,
          `${shown(key)} is what clients of TLS say, and clients of this proxy speak none`,
          HINT,
        );
    }
}

function listOf(node: Located | undefined): readonly Located[] {
  if (node === undefined) return [];
  return node.kind === "list" ? node.items : [node];
}
