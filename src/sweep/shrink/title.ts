/** A case in one line, for people. */
import type { Alarm } from "../contract/finding.js";
import type { FaultInput } from "../contract/run.js";

/** `lost_response at POST /v1/jobs/:n/complete -> the audit differs: ...`; with `how`, that stands before what happened. */
export function titleOf(
  {
    faults,
    alarms,
    signature,
  }: {
    readonly faults: readonly FaultInput[];
    readonly alarms: readonly Alarm[];
    readonly signature: string;
  },
  how = "",
): string {
  const where = faults.map((fault) => {
    const { method, path, qname } = (fault["match"] ?? {}) as Readonly<Record<string, unknown>>;
    const at = [method, path, qname].filter((word) => typeof word === "string").join(" ");
    return at === "" ? fault.type : `${fault.type} at ${at}`;
  });
  const text = alarms.find((alarm) => signature.endsWith(alarm.signature))?.text ?? signature;
  return `${where.join(", then ")} -> ${how}${text}`;
}
