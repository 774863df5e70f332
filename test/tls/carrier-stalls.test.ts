/** Where the server's part of a handshake stops, seen from the wire, in both ways of a handshake and with a second hello. */
import { once } from "node:events";
import { createSecureContext, type ConnectionOptions, type TLSSocketOptions } from "node:tls";
import { describe, expect, it } from "vitest";
import type { Stall } from "../../src/faults/contract/index.js";
import { sample } from "../support/scope.js";
import { CERTIFICATE, KEY } from "../support/certificate.js";
import { afterTurns, closed, outcome, serve, type ServerEnd } from "./engine.js";

const client12: ConnectionOptions = { maxVersion: "TLSv1.2" };
const client13: ConnectionOptions = { minVersion: "TLSv1.3" };
/** The client's first key share is of a group that the server does not want: it must send a second hello. */
const retrying: TLSSocketOptions = {
  secureContext: createSecureContext({ cert: CERTIFICATE, key: KEY, ecdhCurve: "P-256" }),
};
const WAYS: readonly (readonly [string, ConnectionOptions, TLSSocketOptions])[] = [
  ["TLS 1.2", client12, {}],
  ["TLS 1.3", client13, {}],
  ["TLS 1.3 with a second hello", { ...client13, ecdhCurve: "X25519:P-256" }, retrying],
  [
    "TLS 1.2 with a client's certificate",
    { ...client12, cert: CERTIFICATE, key: KEY },
    { requestCert: true, rejectUnauthorized: false },
  ],
  [
    "TLS 1.3 with a client's certificate",
    { ...client13, cert: CERTIFICATE, key: KEY },
    { requestCert: true, rejectUnauthorized: false },
  ],
];

/** Resolves when it stalls; the connection is made with a stall from its beginning on. */
async function stalling(stall: Stall, client: ConnectionOptions, tls: TLSSocketOptions) {
  let stalled: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (stalled = resolve));
  let times = 0;
  const server = await serve({
    tls,
    begun: ({ carrier }: ServerEnd) => {
      carrier.stallAt(stall, () => {
        times++;
        stalled();
      });
    },
  });
  const connection = await server.connect(client);
  return { ...connection, stalled: begun, times: () => times };
}

describe.each(sample(WAYS, 3))("a stall in %s", (_way, options, tls) => {
  it("of our flight lets exactly so many bytes out, and all the rest when it goes on", async () => {
    for (const bytes of [0, 1, 5, 90, 127, 128, 300]) {
      const { client, socket, carrier, engine, stalled, times } = await stalling(
        { at: "our_flight", bytes },
        options,
        tls,
      );
      let secure = false;
      client.once("secureConnect", () => (secure = true));
      await stalled;
      await afterTurns(30);
      expect([bytes, socket.bytesWritten, secure]).toEqual([bytes, bytes, false]);
      carrier.goOn();
      await once(client, "secureConnect");
      client.write("there");
      const [data] = (await once(engine, "data")) as [Buffer];
      expect(data.toString()).toBe("there");
      expect(times()).toBe(1);
      client.destroy();
    }
  });

  it("of more bytes than our flight has is none", async () => {
    const { client, engine, times } = await stalling({ at: "our_flight", bytes: 5_000 }, options, tls);
    await once(client, "secureConnect");
    engine.write(Buffer.alloc(50_000));
    let got = 0;
    await new Promise<void>((resolve) => {
      client.on("data", (chunk: Buffer) => {
        got += chunk.length;
        if (got === 50_000) resolve();
      });
    });
    expect(times()).toBe(0);
    client.destroy();
  });

  it("behind the client's Finished lets nothing more out, and all of it when it goes on", async () => {
    const { client, socket, carrier, engine, stalled, times } = await stalling(
      { at: "finished" },
      options,
      tls,
    );
    let secure = false;
    client.once("secureConnect", () => (secure = true));
    const through = once(engine, "secure");
    await stalled;
    const { bytesWritten } = socket;
    await through;
    engine.write("the first data");
    await afterTurns(30);
    expect(socket.bytesWritten).toBe(bytesWritten);
    // A client of TLS 1.3 takes itself to be through; one of TLS 1.2 waits for our Finished.
    expect(secure).toBe(client.getProtocol() === "TLSv1.3");
    carrier.goOn();
    const [data] = (await once(client, "data")) as [Buffer];
    expect(data.toString()).toBe("the first data");
    expect(times()).toBe(1);
    client.destroy();
  });

  it("can be ended by an alert at any point", async () => {
    for (const stall of [
      { at: "finished" },
      ...[0, 3, 100, 250].map((bytes) => ({ at: "our_flight", bytes }) as const),
    ] as const) {
      const { client, carrier, engine, stalled } = await stalling(stall, options, tls);
      const seen = outcome(client);
      await stalled;
      await afterTurns(3);
      let problem: string | null = "not told";
      carrier.sendAlert("internal_error", (told) => (problem = told));
      expect([stall, problem, await seen]).toEqual([stall, null, "ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR"]);
      engine.destroy();
      client.destroy();
    }
  });

  it("can be left by the client, by an RST and by destruction, and leaves nothing open", async () => {
    for (const stall of [{ at: "finished" }, { at: "our_flight", bytes: 70 }] as const)
      for (const leave of ["client", "engine", "carrier", "socket"] as const) {
        const connection = await stalling(stall, options, tls);
        const { client, engine, carrier, socket, stalled } = connection;
        client.on("error", () => undefined);
        engine.on("end", () => engine.end());
        await stalled;
        const gone = closed(engine, carrier, socket);
        engine.resume();
        connection[leave].destroy();
        // Whoever stalls ends it when the client has left: nothing else can be sent.
        if (leave === "client") {
          carrier.destroy();
        }
        await gone;
        client.destroy();
      }
  });
});

describe("a stall behind Finished", () => {
  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "comes in a handshake of %s that resumes a session, too",
    async (version) => {
      let stalls = false;
      let stalled: () => void = () => undefined;
      const begun = new Promise<void>((resolve) => (stalled = resolve));
      const server = await serve({
        begun: ({ carrier }) => {
          if (stalls) carrier.stallAt({ at: "finished" }, stalled);
        },
      });
      const options = { minVersion: version, maxVersion: version };
      const first = await server.connect(options);
      const session = new Promise<Buffer>((resolve) => first.client.once("session", resolve));
      first.client.resume();
      const ticket = await session;
      first.client.destroy();

      stalls = true;
      const { client, engine, carrier, socket } = await server.connect({ ...options, session: ticket });
      const through = once(engine, "secure");
      await begun;
      await through;
      const { bytesWritten } = socket;
      engine.write("data");
      await afterTurns(30);
      expect(socket.bytesWritten).toBe(bytesWritten);
      carrier.goOn();
      const [data] = (await once(client, "data")) as [Buffer];
      expect([data.toString(), client.isSessionReused()]).toEqual(["data", true]);
      client.destroy();
    },
  );
});
