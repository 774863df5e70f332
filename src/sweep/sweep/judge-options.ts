/** How runs are judged, as the run file says. */
import { pathTest } from "../../config/pattern.js";
import type { JudgeOptions } from "../oracles/evidence.js";
import type { RunSettings } from "../run-file/settings.js";

export function judgeOptions({
  ignore,
  outageIgnore,
  tolerance,
  idempotent,
  slo,
}: RunSettings): JudgeOptions {
  const calls = idempotent.map((text) => {
    const [method = "", pattern = ""] = text.split(" ");
    return { method, holds: pathTest(pattern) };
  });
  return {
    ignore,
    outageIgnore,
    tolerance,
    idempotent: ({ method, path }) => calls.some((one) => one.method === method && one.holds(path)),
    slo: slo === null ? null : { p95: slo.p95, errorRate: slo.error_rate, minSamples: slo.min_samples },
  };
}
