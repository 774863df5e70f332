/** The mock job server over TLS: whom its certificates are for, what it demands of bots, and what it leaves behind. */
import { existsSync, readFileSync } from "node:fs";
import https from "node:https";
import tls from "node:tls";
import { describe, expect, it } from "vitest";
import { startMockServer } from "../../../src/mock/server/server.js";
import { mockServer, watchedBot } from "../support.js";
import { authority, files, newAuthority, pair } from "./parts.js";

/** The certificate's names and issuer as a client sees them that trusts `ca`; or the code of what went wrong. */
function seen(
  url: string,
  options: tls.ConnectionOptions,
): Promise<{ names: string; issuer: string } | string> {
  return new Promise((resolve) => {
    const socket = tls.connect({ host: "127.0.0.1", port: Number(new URL(url).port), ...options });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on("secureConnect", () => {
      const { subjectaltname = "", issuer } = socket.getPeerCertificate();
      resolve({ names: subjectaltname, issuer: String(issuer.CN) });
      socket.destroy();
    });
  });
}

function health(url: string, options: https.RequestOptions): Promise<number | string> {
  return new Promise((resolve) => {
    https
      .get(`${url}/healthz`, { agent: false, ...options }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      })
      .on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

describe("a mock server over TLS", () => {
  it("has a CA in memory, which it writes for bots, and certificates for any name that is asked for", async () => {
    const at = files({});
    const { url, caFile } = await mockServer({ tls: { caOut: at("ca.pem") } });
    expect([url.slice(0, 8), caFile]).toEqual(["https://", at("ca.pem")]);
    const ca = readFileSync(at("ca.pem"), "utf8");
    expect(await seen(url, { ca, servername: "jobs.example" })).toMatchObject({ names: "DNS:jobs.example" });
    // Without a name: what the server is called by, its addresses included.
    const usual = await seen(url, { ca, host: "127.0.0.1" });
    expect(usual).toMatchObject({
      names: expect.stringMatching(/DNS:localhost.*IP Address:127\.0\.0\.1/u) as string,
    });
    expect(await health(url, { ca })).toBe(200);
    expect(await health(url, {})).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  });

  it("makes its CA in a folder, and has the same when it is started again", async () => {
    const at = files({});
    const first = await startMockServer({ tls: { ca: at("ca") } });
    const ca = readFileSync(at("ca/ca.pem"), "utf8");
    expect(first.caFile).toBe(at("ca/ca.pem"));
    await first.close();
    const { url } = await mockServer({ tls: { ca: at("ca") } });
    expect(await health(url, { ca, servername: "jobs.example" })).toBe(200);
  });

  it("shows a certificate of the user's, whatever name is asked for", async () => {
    const { cert, key } = pair(["own.example"]);
    const at = files({ "own.pem": cert, "own.key": key });
    const { url, caFile } = await mockServer({ tls: { own: { cert: at("own.pem"), key: at("own.key") } } });
    expect(caFile).toBe(null);
    const { ca } = authority;
    expect(await health(url, { ca, servername: "own.example" })).toBe(200);
    expect(await health(url, { ca, servername: "other.example" })).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
  });

  it("wants certificates of bots where it was given their CA, with and without a name, and refuses others", async () => {
    const bots = await newAuthority();
    const at = files({ "bots.pem": bots.ca });
    const { url, caFile } = await mockServer({ tls: { ca: at("ca"), clientCa: at("bots.pem") } });
    const ca = readFileSync(caFile ?? "", "utf8");
    const ofBot = bots.present(["bot.example"], { problem: "wrong_usage", by: 0 });
    const stranger = authority.present(["bot.example"], { problem: "wrong_usage", by: 0 });
    for (const name of [{}, { servername: "jobs.example" }]) {
      expect(await health(url, { ca, ...name, cert: ofBot.cert, key: ofBot.key })).toBe(200);
      expect(await health(url, { ca, ...name, cert: stranger.cert, key: stranger.key })).not.toBe(200);
      expect(await health(url, { ca, ...name })).not.toBe(200);
    }
  });

  it("gives a bot its jobs", async () => {
    const at = files({});
    const { url, caFile } = await mockServer({ tls: { ca: at("ca") }, feed: { every: 10 } });
    const bot = watchedBot(url, { tls: { ca: caFile ?? "" } });
    await bot.seen("completed");
  });

  it("leaves nothing behind, and takes no port, where a file cannot be used", async () => {
    const at = files({ "a.pem": "x" });
    const tls = { own: { cert: at("a.pem"), key: at("a.pem") } };
    await expect(startMockServer({ tls, data: at("data") })).rejects.toMatchObject({ option: "cert" });
    expect(existsSync(at("data"))).toBe(false);
    await expect(startMockServer({ tls: { clientCa: at("no.pem") } })).rejects.toMatchObject({
      option: "clientCa",
    });
    await expect(startMockServer({ tls: { caOut: at("no/no.pem") } })).rejects.toMatchObject({
      option: "caOut",
    });
    await expect(startMockServer({ tls: { ca: at("a.pem") } })).rejects.toMatchObject({
      code: "SQ_INVALID_CA",
    });
  });
});
