/** The end of connections over TLS: what is said in place of the close_notify. */
import { expect, it } from "vitest";
import { VirtualClock } from "../../../../src/core/clock.js";
import { handshakeOf } from "../../../support/handshake-bench.js";
import { TYPES } from "../../../support/lab.js";
import { refusedFault } from "../../../support/refused-fault.js";
import { Armed } from "../../../support/stream-bench.js";

it.each([
  [{ how: "without_notify" }, "without_notify", { how: "without_notify" }],
  [{ how: "notify_and_stay" }, "notify_and_stay", { how: "notify_and_stay" }],
  [
    { how: "alert", alert: "internal_error" },
    { do: "alert", alert: "internal_error" },
    { how: "alert", alert: "internal_error" },
  ],
])("says it once, and stays with it: %s", (raw, end, detail) => {
  const armed = new Armed("tls_end", raw, new VirtualClock());
  const one = handshakeOf(armed);
  expect([one.end?.(), one.end?.()]).toEqual([end, end]);
  expect(armed.counts).toEqual({ ended: 1 });
  expect(armed.details["ended"]).toEqual(detail);
});

it.each([
  ["", "how: is required: without_notify, notify_and_stay or alert"],
  [", how: alert", "alert: is missing: say which alert it is, such as internal_error"],
  [", how: without_notify, alert: unknown_ca", "alert: means something with `how: alert` only"],
])("is refused: %s", (text, message) => {
  expect(refusedFault(`{ type: tls_end${text} }`)[0]).toContain(`faults[0].${message}`);
});

it("is said in a sentence", () => {
  const type = TYPES.get("tls_end");
  const explained = (raw: Record<string, unknown>): string | undefined =>
    type?.explain(type.params.parse(raw));
  expect(explained({ how: "without_notify" })).toBe("ends connections without a close_notify");
  expect(explained({ how: "notify_and_stay" })).toBe(
    "says close_notify at the end of connections, and leaves them open",
  );
  expect(explained({ how: "alert", alert: "unknown_ca" })).toBe(
    "ends connections with the alert unknown_ca in place of a close_notify",
  );
});
