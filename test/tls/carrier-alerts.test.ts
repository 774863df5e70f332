/** Alerts in an engine's name, as a client of Node sees them: each alert, each suite, and each point of a connection. */
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ALERT_NAMES, type AlertName } from "../../src/faults/contract/index.js";
import { sample, WHOLE } from "../support/scope.js";
import { CERTIFICATE, KEY } from "../support/certificate.js";
import { codeOf } from "./alert-codes.js";
import { afterTurns, closed, engineServer, outcome, serve, type EngineServer } from "./engine.js";
import { held, SUITES, type SuiteRow } from "./suites.js";

let server: EngineServer;
let asking: EngineServer;

beforeAll(async () => {
  server = await engineServer();
  asking = await engineServer({ tls: { requestCert: true, rejectUnauthorized: false } });
});
afterAll(async () => {
  await server.close();
  await asking.close();
});

/** A connection whose handshake is over on both sides. */
async function established(row: SuiteRow, of = server): ReturnType<EngineServer["connect"]> {
  const end = await of.connect(held(row));
  const secure = once(end.engine, "secure");
  await once(end.client, "secureConnect");
  await secure;
  return end;
}

/** OpenSSL passes over it in TLS 1.3, whatever its level. */
const named = (name: AlertName, { version }: SuiteRow): string =>
  name === "close_notify" || (name === "user_canceled" && version === "TLSv1.3") ? "end" : codeOf(name);

/** The three suites that every client of TLS 1.3 offers, and of each version before it one that is drawn. */
const GROUPS = sample(SUITES, 3, ({ version }) => version, "carrier alerts").filter(
  ({ version }, at, all) =>
    version === "TLSv1.3" || WHOLE || all.findIndex((row) => row.version === version) === at,
);
const ROWS = GROUPS.flatMap((row) => ALERT_NAMES.map((name) => ({ ...row, name })));

describe("an alert behind the handshake", () => {
  it.each(ROWS)("$name in $version with $suite is the one that the client sees", async ({ name, ...row }) => {
    const { carrier, client, engine } = await established(row);
    const seen = outcome(client);
    expect(carrier.canEncryptAlerts()).toEqual({ able: true });
    let problem: string | null = "not told";
    carrier.sendAlert(name, (told) => (problem = told));
    expect(problem).toBeNull();
    expect(await seen).toBe(named(name, row));
    engine.destroy();
    client.destroy();
  });
});

describe.each(sample(SUITES, 2, ({ version }) => version, "points of alerts"))(
  "in $version with $suite an alert",
  (row) => {
    it("comes behind the data that was written, of many records both ways", async () => {
      const { carrier, client, engine } = await established(row);
      const question = Buffer.alloc(100_000, "q");
      const answer = Buffer.alloc(70_000, "a");
      let asked = 0;
      engine.on("data", (chunk: Buffer) => {
        asked += chunk.length;
        if (asked < question.length) return;
        engine.write(answer.subarray(0, 30_000));
        engine.write(answer.subarray(30_000), () => {
          carrier.sendAlert("internal_error");
        });
      });
      client.write(question);
      let got = 0;
      client.on("data", (chunk: Buffer) => (got += chunk.length));
      expect(await outcome(client)).toBe("ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR");
      expect(got).toBe(answer.length);
      engine.destroy();
      client.destroy();
    });

    it("comes behind megabytes that are still under way to a client that does not read yet", async () => {
      const { carrier, client, engine } = await established(row);
      client.pause();
      const bytes = 1_000_000;
      engine.write(Buffer.alloc(bytes, "d"));
      await afterTurns(200);
      let problem: string | null = "not told";
      carrier.sendAlert("internal_error", (told) => (problem = told));
      let got = 0;
      client.on("data", (chunk: Buffer) => (got += chunk.length));
      expect(await outcome(client)).toBe("ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR");
      expect(problem).toBeNull();
      expect(got).toBe(bytes);
      engine.destroy();
      client.destroy();
    });

    it("reaches a client that is still sending, and whose bytes nobody reads any more", async () => {
      const { carrier, client, engine } = await established(row);
      const seen = outcome(client);
      for (let turn = 0; turn < 30; turn++) client.write(Buffer.alloc(200_000));
      await once(engine, "readable");
      carrier.sendAlert("access_denied");
      engine.destroy();
      expect(await seen).toBe("ERR_SSL_TLSV1_ALERT_ACCESS_DENIED");
      client.destroy();
      await closed(carrier, carrier.socket);
    });

    it("comes on the client's certificate", async () => {
      const connection = await asking.connect({ ...held(row), cert: CERTIFICATE, key: KEY });
      const { carrier, client, engine } = connection;
      const seen = outcome(client);
      // In TLS 1.2 our Finished must not be out when the certificate is judged.
      carrier.stallAt({ at: "finished" }, () => undefined);
      await once(engine, "secure");
      expect(engine.getPeerCertificate().subject.CN).toBe("jobs.test");
      carrier.sendAlert("unknown_ca");
      expect(await seen).toBe("ERR_SSL_TLSV1_ALERT_UNKNOWN_CA");
      engine.destroy();
      client.destroy();
    });

    it("comes in place of the ServerHello, and in the middle of our flight", async () => {
      for (const bytes of [0, 3, 60, 200, 400]) {
        const { carrier, client, engine } = await server.connect(held(row));
        const seen = outcome(client);
        const problem = await new Promise((resolve) => {
          carrier.stallAt({ at: "our_flight", bytes }, () => {
            // The rest of the flight comes within this turn.
            setImmediate(() => {
              carrier.sendAlert("handshake_failure", resolve);
            });
          });
        });
        expect([bytes, problem, await seen]).toEqual([bytes, null, codeOf("handshake_failure")]);
        engine.destroy();
        client.destroy();
      }
    });
  },
);

describe("an alert that cannot be made", () => {
  it("is told of with its reason, and the connection goes on", async () => {
    const quiet = await serve({
      begun: ({ engine }) => engine.removeAllListeners("keylog"),
    });
    const end = await quiet.connect();
    await once(end.client, "secureConnect");
    const told: (string | null)[] = [];
    end.carrier.sendAlert("internal_error", (problem) => told.push(problem));
    expect(told).toEqual([expect.stringMatching(/keylog event/u)]);
    expect(end.carrier.canEncryptAlerts()).toEqual({ able: false, reason: told[0] });
    end.engine.write("still here");
    const [data] = (await once(end.client, "data")) as [Buffer];
    expect(data.toString()).toBe("still here");
    end.client.destroy();
  });

  it("is one that comes behind the end", async () => {
    const { carrier, client, engine } = await established(SUITES[0]!);
    client.resume();
    engine.end();
    await once(client, "end");
    const told: (string | null)[] = [];
    carrier.sendAlert("internal_error", (problem) => told.push(problem));
    expect(told).toEqual([expect.stringMatching(/ended already/u)]);
    client.destroy();
  });
});
