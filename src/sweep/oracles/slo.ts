/** O7: objectives of the user, over all exchanges of the run as clients saw them. */
import type { Alarm } from "../contract/finding.js";
import { seconds } from "./calls.js";
import type { Oracle } from "./evidence.js";

export const objectives: Oracle = ({ run, options: { slo } }) => {
  const { exchanges } = run.record;
  if (slo === null || exchanges.length < slo.minSamples || exchanges.length === 0) return [];
  const alarms: Alarm[] = [];
  const add = (signature: string, text: string): void => {
    alarms.push({ verdict: "FAILED", oracle: "O7", signature, text });
  };
  const waits = exchanges.map(({ at, over }) => over - at).sort((a, b) => a - b);
  const p95 = waits[Math.ceil(0.95 * waits.length) - 1] ?? 0;
  if (slo.p95 !== undefined && p95 > slo.p95)
    add(
      "slo p95",
      `the 95th percentile of ${waits.length} exchanges is ${seconds(p95)}, more than ${seconds(slo.p95)}`,
    );
  const failed = exchanges.filter(({ clientStatus: status }) => status === null || status >= 500).length;
  const rate = failed / exchanges.length;
  if (slo.errorRate !== undefined && rate > slo.errorRate)
    add(
      "slo error rate",
      `${failed} of ${exchanges.length} exchanges failed, ${percent(rate)}, more than ${percent(slo.errorRate)}`,
    );
  return alarms;
};

const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`;
