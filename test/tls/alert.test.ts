/** Alerts by name, by number and on the wire, as a client of Node names them. */
import { once } from "node:events";
import { connect } from "node:tls";
import { describe, expect, it } from "vitest";
import { ALERTS, ALERT_NAMES, TLS_VERSIONS } from "../../src/faults/contract/index.js";
import { alertName, alertPayload, plainAlert } from "../../src/tls/alert.js";
import { HelloReader } from "../../src/tls/hello.js";
import { codeOf } from "./alert-codes.js";
import { duplexPair } from "./duplex-pair.js";

describe("an alert", () => {
  it.each(ALERT_NAMES)("%s is found by its number, and stands in seven bytes", (name) => {
    expect(alertName(ALERTS[name])).toBe(name);
    expect(plainAlert(name).length).toBe(7);
    expect(plainAlert(name)[6]).toBe(ALERTS[name]);
    expect(alertPayload(name)[0]).toBe(name === "close_notify" ? 1 : 2);
  });

  it("is unknown by numbers that nobody uses", () => {
    expect(alertName(1)).toBeNull();
    expect(alertName(255)).toBeNull();
  });

  it("stands in a record of its version, which is 1.2 from then on", () => {
    expect(TLS_VERSIONS.map((version) => plainAlert("internal_error", version).toString("hex"))).toEqual([
      "15030100020250",
      "15030200020250",
      "15030300020250",
      "15030300020250",
    ]);
  });

  it.each(ALERT_NAMES.filter((name) => name !== "close_notify"))(
    "%s in place of a ServerHello is the alert that a client sees",
    async (name) => {
      const [ours, theirs] = duplexPair();
      const client = connect({ socket: theirs, servername: "jobs.test" });
      const failed = once(client, "error");
      const reader = new HelloReader();
      ours.on("data", (chunk: Buffer) => {
        if (reader.push(chunk).state === "hello") ours.end(plainAlert(name));
      });
      const [error] = (await failed) as [NodeJS.ErrnoException];
      expect(error.code).toBe(codeOf(name));
      client.destroy();
      ours.destroy();
    },
  );
});
