/** How a client took a handshake, whenever a fault acted on it: what it did first counts, an alert above all, and it is told once. */
import { once } from "node:events";
import type { TLSSocket } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { Testimony } from "../../../src/proxy/secure/testimony.js";
import { get } from "../../support/http-lab.js";
import { fault, until } from "../../support/lab.js";
import { SecureLab, secureSpec } from "../../support/secure-lab.js";

let lab = new SecureLab();
afterEach(async () => {
  await lab.close();
  lab = new SecureLab();
});

const alert = Object.assign(new Error("alert"), { code: "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA" });
const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });

type Event = "acts" | "data" | "alert" | "reset" | "ended" | "over" | "concluded" | "tick";

/** `recorded`: everything is recorded, and no fault is bound. */
function told(events: readonly Event[], recorded = false): string[] {
  const tells: string[] = [];
  const hits: string[] = [];
  let now = 0;
  const testimony = new Testimony({
    clock: { now: () => now },
    hits,
    recorded,
    told: (took, at) => tells.push(`${took}${at === 0 ? "" : ` at ${at}`}`),
  });
  for (const event of events) {
    if (event === "acts") hits.push("fault");
    else if (event === "tick") now++;
    else if (event === "alert") testimony.broke(alert);
    else if (event === "reset") testimony.broke(reset);
    else testimony[event]();
  }
  return tells;
}

describe("testimony", () => {
  it.each<[readonly Event[], readonly string[]]>([
    [["acts", "data", "ended", "over"], ["accepted"]],
    [["acts", "alert", "over"], ["alert unknown_ca"]],
    [["acts", "reset", "over"], ["reset"]],
    [["acts", "ended", "over"], ["closed"]],
    [["acts", "over"], ["undecided"]],
    [["data", "acts", "ended", "over"], ["accepted"]],
    [["data", "ended", "acts", "over"], ["accepted"]],
    [["data", "acts", "alert", "over"], ["alert unknown_ca"]],
    [["ended", "acts", "over"], ["closed"]],
    [["data", "ended", "over"], []],
  ])("of %j is %j", (events, tells) => {
    expect(told(events)).toEqual(tells);
  });

  it.each<[readonly Event[], readonly string[]]>([
    [["data", "tick", "ended", "over", "concluded"], ["accepted"]],
    [["ended", "tick", "over", "concluded"], ["closed"]],
    [["tick", "over", "concluded"], ["undecided at 1"]],
    [
      ["data", "acts", "tick", "over", "concluded"],
      ["accepted", "accepted at 1"],
    ],
  ])("where everything is recorded and there is no fault, of %j is %j", (events, tells) => {
    expect(told(events, true)).toEqual(tells);
  });

  it("of a handshake with a fault that never acted is recorded when all is over, with the time at which it was seen", () => {
    expect(told(["data", "tick", "ended", "over"])).toEqual([]);
    expect(told(["data", "tick", "ended", "over", "concluded"])).toEqual(["accepted"]);
  });

  it.each([
    ["accepted", (client: TLSSocket) => client.write(get("/", ["Connection: close"]))],
    ["closed", (client: TLSSocket) => client.end()],
  ] as const)("is told though the fault has gone since: %s", async (took, acts) => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    lab.use([fault("tls_certificate", { problem: "expired", by: "2h" })]);
    const client = await lab.tls(proxy, { rejectUnauthorized: false });
    client.on("data", () => undefined).on("error", () => undefined);
    await once(client, "secureConnect");
    lab.heal();
    acts(client);
    const faults = ["tls_certificate"];
    expect(await lab.facts.first("tls_over")).toMatchObject({ took, problem: "expired", faults });
    await until(() => proxy.stats.connectionsActive === 0);
    expect(lab.facts.of("tls_over")).toHaveLength(1);
  });

  it.each(["without_notify", "notify_and_stay"])(
    "of a connection that ends %s is that of its request",
    async (how) => {
      const server = await lab.answering();
      const proxy = await lab.http(server.port, { secure: secureSpec() });
      lab.use([fault("tls_end", { how })]);
      const client = await lab.tls(proxy);
      client.write(get("/", ["Connection: close"]));
      client.on("data", () => undefined).on("error", () => undefined);
      client.once("end", () => client.end());
      expect(await lab.facts.first("tls_over")).toMatchObject({ took: "accepted", faults: ["tls_end"] });
    },
  );
});
