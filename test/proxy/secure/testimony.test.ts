/** How a client took a handshake, whenever a fault acted on it: what it did first counts, an alert above all, and it is told once. */
import { afterEach, describe, expect, it } from "vitest";
import { Testimony } from "../../../src/proxy/secure/testimony.js";
import { get } from "../../support/http-lab.js";
import { fault } from "../../support/lab.js";
import { SecureLab, secureSpec } from "../../support/secure-lab.js";

let lab = new SecureLab();
afterEach(async () => {
  await lab.close();
  lab = new SecureLab();
});

const alert = Object.assign(new Error("alert"), { code: "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA" });
const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });

type Event = "acts" | "data" | "alert" | "reset" | "ended" | "over";

function told(...events: readonly Event[]): string[] {
  const tells: string[] = [];
  let acted = false;
  const testimony = new Testimony({
    get acted() {
      return acted;
    },
    told: (took) => tells.push(took),
  });
  for (const event of events) {
    if (event === "acts") acted = true;
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
    expect(told(...events)).toEqual(tells);
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
