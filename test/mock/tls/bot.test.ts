/** The bot over TLS: it trusts whom it should, tells what went wrong by its name, and comes back as soon as it makes sense. */
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { BotEvent } from "../../../src/mock/bot/events.js";
import { ClientTls, type ClientTlsOptions } from "../../../src/mock/tls/client.js";
import { UnreadableTls } from "../../../src/mock/tls/unreadable.js";
import { mockServer, submit, watchedBot, type WatchedBot } from "../support.js";
import { only, until, waits } from "../bot/parts.js";
import { authority, files, newAuthority, pair, tlsWay, type TlsMisdeed } from "./parts.js";

const MAX = 4_000;
const backOff = { first: 100, max: MAX };

async function through(plan: TlsMisdeed[], options: Parameters<typeof watchedBot>[1] = {}) {
  const { url } = await mockServer();
  await submit(url);
  const way = await tlsWay(url, plan);
  const at = files({ "ca.pem": authority.ca });
  const bot = watchedBot(way.url, { backOff, tls: { ca: at("ca.pem") }, ...options });
  return { bot, way, url };
}

/** What it was told of TLS, by name. */
const told = (events: readonly BotEvent[]): (string | undefined)[] =>
  events.flatMap((event) => (event.event === "retrying" ? [event.tls] : []));

async function done(bot: WatchedBot): Promise<readonly BotEvent[]> {
  await bot.seen("completed");
  return bot.events;
}

describe("a bot over TLS", () => {
  it("does a job for a server whose CA it was given, over connections that it keeps", async () => {
    const { bot, way } = await through([]);
    expect(told(await done(bot))).toEqual([]);
    expect(way.connections).toBeLessThanOrEqual(2);
  });

  it("does not trust a server whose CA nobody named", async () => {
    const { bot, way } = await through([], { tls: {} });
    const { tls, why } = await bot.seen("retrying");
    expect(tls).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    expect(why).toBe(
      "the server's certificate comes from an issuer that is not known (UNABLE_TO_VERIFY_LEAF_SIGNATURE)",
    );
    expect(way.secured).toBeLessThanOrEqual(way.connections);
  });

  it("asks for the name that it was told, and holds the certificate against it", async () => {
    const at = files({ "ca.pem": authority.ca });
    const { bot } = await through([], { tls: { ca: at("ca.pem"), servername: "jobs.example" } });
    expect((await bot.seen("retrying")).tls).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
  });

  it.each([
    ["expired", "CERT_HAS_EXPIRED"],
    ["not_yet_valid", "CERT_NOT_YET_VALID"],
    ["wrong_host", "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["self_signed", "DEPTH_ZERO_SELF_SIGNED_CERT"],
    ["unknown_ca", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
    ["incomplete_chain", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
    ["bad_signature", "CERT_SIGNATURE_FAILURE"],
    ["wrong_usage", "INVALID_PURPOSE"],
    ["no_san", "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["sha1", "UNSPECIFIED"],
  ] as const)(
    "refuses a certificate with the problem %s, and waits long before it looks again",
    async (problem, name) => {
      const { bot } = await through([{ problem }, { problem }]);
      const events = await done(bot);
      expect(told(events)).toEqual([name, name]);
      // Half of the longest wait and half of it by chance, of which the tests' bots draw one half.
      expect(waits(events)).toEqual([0.75 * MAX, 0.75 * MAX]);
    },
  );

  it.each([
    [{ alert: "internal_error" }, "alert internal_error", 75],
    [{ alert: "handshake_failure" }, "alert handshake_failure", 75],
    [{ alert: "unrecognized_name" }, "alert unrecognized_name", 75],
    [{ alert: "access_denied" }, "alert access_denied", 0.75 * MAX],
    ["close", "handshake_closed", 75],
    ["reset", "handshake_reset", 75],
  ] as const)("comes back after %j", async (misdeed, name, wait) => {
    const { bot } = await through([misdeed]);
    const events = await done(bot);
    expect(told(events)).toEqual([name]);
    expect(waits(events)).toEqual([wait]);
  });

  it("gives a handshake that stalls the time of a request, also for a call that may take longer", async () => {
    const { url } = await mockServer();
    const way = await tlsWay(url, ["nothing wrong", "silent"]);
    const at = files({ "ca.pem": authority.ca });
    // One connection serves to register and for the first of two long polls; the other needs one of its own.
    const bot = watchedBot(way.url, {
      tls: { ca: at("ca.pem") },
      concurrency: 2,
      requestTimeout: 5_000,
      wait: 60_000,
    });
    await until(
      () => way.connections,
      (count) => count === 2,
    );
    bot.clock.advance(5_000);
    const { why, ...rest } = await bot.seen("retrying");
    expect(rest).toMatchObject({ call: "lease", tls: "handshake_timeout" });
    expect(why).toBe("the TLS handshake was not over within 5s (handshake_timeout)");
    await submit(url);
    await bot.seen("completed");
  });

  it("reads the CA anew when a certificate is refused, since it may have been exchanged", async () => {
    const other = await newAuthority();
    const { url } = await mockServer();
    await submit(url);
    const way = await tlsWay(url, [], { of: other });
    const at = files({ "ca.pem": authority.ca });
    const bot = watchedBot(way.url, { tls: { ca: at("ca.pem") } });
    await bot.seen("retrying");
    // A file that is half written counts for nothing.
    writeFileSync(at("ca.pem"), other.ca.slice(0, 100));
    await bot.seen("retrying", (event) => event.attempt >= 4);
    writeFileSync(at("ca.pem"), other.ca);
    await bot.seen("completed");
  });

  it("shows its certificate, and the one that took its place when that is refused", async () => {
    const [first, second] = [await newAuthority(), await newAuthority()];
    const { url } = await mockServer();
    await submit(url);
    const way = await tlsWay(url, [], { clientCa: () => second.ca });
    const old = first.present(["old.example"], { problem: "wrong_usage", by: 0 });
    const fresh = second.present(["fresh.example"], { problem: "wrong_usage", by: 0 });
    const at = files({ "ca.pem": authority.ca, "bot.pem": old.cert, "bot.key": old.key });
    const bot = watchedBot(way.url, {
      tls: { ca: at("ca.pem"), cert: at("bot.pem"), key: at("bot.key") },
    });
    await bot.seen("retrying");
    writeFileSync(at("bot.pem"), fresh.cert);
    writeFileSync(at("bot.key"), fresh.key);
    await bot.seen("completed");
    expect(new Set(way.shown)).toEqual(new Set(["CN=fresh.example"]));
  });

  it("says at once which file it cannot use, and why", async () => {
    const { cert, key } = pair();
    const other = (await newAuthority()).present(["other"], null);
    const at = files({
      "a.pem": cert,
      "a.key": key,
      "b.key": other.key,
      "no.pem": "x",
      "ca.pem": authority.ca,
    });
    const wrong = (options: ClientTlsOptions): string => {
      try {
        new ClientTls(options);
        return "";
      } catch (error) {
        if (!(error instanceof UnreadableTls)) throw error;
        return `${error.option}: ${error.message.replace(`${at("")}/`, "")}`;
      }
    };
    expect(wrong({ ca: at("ca.pem"), cert: at("a.pem"), key: at("a.key") })).toBe("");
    expect(wrong({ ca: at("gone.pem") })).toBe("ca: gone.pem cannot be read");
    expect(wrong({ ca: at("no.pem") })).toBe("ca: no.pem has no certificate in PEM");
    expect(wrong({ cert: at("a.pem") })).toBe("cert: a certificate needs its key");
    expect(wrong({ key: at("a.key") })).toBe("key: a key needs its certificate");
    expect(wrong({ cert: at("a.pem"), key: at("b.key") })).toBe(
      "key: b.key has the key of another certificate",
    );
    expect(wrong({ cert: at("a.pem"), key: at("no.pem") })).toBe(
      "key: no.pem has no private key that can be read without a passphrase",
    );
  });
});

describe("no-verify", () => {
  it("a good bot does nothing for a server with an expired certificate; the flawed one works for it", async () => {
    const good = await through([{ problem: "expired" }]);
    await good.bot.seen("retrying");
    expect(good.way.plan).toEqual([]);
    const flawed = await through([{ problem: "expired" }], { flaws: only("no-verify") });
    expect(told(await done(flawed.bot))).toEqual([]);
    expect(flawed.way.connections).toBe(1);
  });
});
