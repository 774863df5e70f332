/** The key of `match` that decided, as it may be shown. */
import type { MatchReason } from "./contract.js";
import { isSecretField, MASKED, shortened } from "./masks.js";

/** What is secret is neither shown as it was nor as it should have been. */
export function maskedReason({ key, wanted, actual, entry }: MatchReason): MatchReason {
  const [where, ...name] = key.split(".");
  const isField = where === "header" || where === "query";
  if (isField && isSecretField(name.join(".")))
    return { key, wanted: wanted.map(() => MASKED), actual: actual === null ? null : MASKED, entry };
  return { key, wanted, actual: actual === null ? null : shortened(actual), entry };
}
