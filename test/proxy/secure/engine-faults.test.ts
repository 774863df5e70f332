/** Faults that need the engine's records: alerts behind the hello, stalls of our flight, certificates of clients, ends. */
import type { ConnectionOptions, SecureVersion, TLSSocket } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { ALERT_NAMES, ALERTS } from "../../../src/faults/contract/index.js";
import { closing, get, ok } from "../../support/http-lab.js";
import { fault, turns, until } from "../../support/lab.js";
import { sample } from "../../support/scope.js";
import { secureSpec, secureTimeLab, type SecureLab } from "../../support/secure-lab.js";
import { codeOf } from "../../tls/alert-codes.js";

let { lab, time } = secureTimeLab();
afterEach(async () => {
  await lab.close();
  ({ lab, time } = secureTimeLab());
});

const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const satisfies readonly SecureVersion[];

/** A proxy before a server that keeps connections, unless it is asked to close them. */
async function proxied(): ReturnType<SecureLab["http"]> {
  const server = await lab.scripted(({ peer, raw }) => {
    peer.write(ok("hello"));
    if (raw === closing) peer.fin();
    return undefined;
  });
  return lab.http(server.port, { secure: secureSpec() });
}

/** What becomes of a client's connection, in order. */
interface Told {
  readonly socket: TLSSocket;
  readonly log: string[];
  readonly closed: Promise<unknown>;
}

async function client(
  proxy: Awaited<ReturnType<SecureLab["http"]>>,
  options: ConnectionOptions = {},
  say: string | null = closing,
): Promise<Told> {
  const socket = await lab.tls(proxy, options);
  const log: string[] = [];
  const closed = new Promise((over) => socket.once("close", over));
  socket
    .on("secureConnect", () => {
      log.push("secure");
      if (say !== null) socket.write(say);
    })
    .on("data", (chunk: Buffer) =>
      log.push(chunk.toString() === ok("hello") ? "hello" : `${chunk.length} bytes`),
    )
    // Behind an error there is an end as well.
    .on("end", () => log.every((line) => !line.startsWith("E")) && log.push("end"))
    .on("error", ({ code, message }: NodeJS.ErrnoException) => log.push(code ?? message));
  return { socket, log, closed };
}

const effects = (): string[] =>
  lab.facts.of("fault_hit").map(({ effect, detail }) => `${effect} ${JSON.stringify(detail)}`);

async function emptied(proxy: Awaited<ReturnType<SecureLab["http"]>>): Promise<void> {
  await until(() => proxy.stats.connectionsActive === 0 && lab.context.slots.taken === 0);
  expect(lab.facts.of("connection_failed")).toEqual([]);
  expect(lab.facts.of("mistake")).toEqual([]);
}

const NAMES = sample(
  ALERT_NAMES.filter((name) => name !== "close_notify"),
  6,
);

describe.each(VERSIONS)("an alert over %s", (maxVersion) => {
  it.each(NAMES)("is %s once the handshake is over", async (alert) => {
    const proxy = await proxied();
    lab.use([fault("tls_alert", { alert }, { at: "established" })]);
    const { log, closed } = await client(proxy, { maxVersion }, null);
    await closed;
    const last = log.at(-1) ?? "";
    // Of these two OpenSSL makes no error over TLS 1.3: RFC 8446, 6.1 has them among those that close.
    const quiet = alert === "user_canceled" && maxVersion === "TLSv1.3";
    if (quiet) expect(last).toMatch(/end|ECONNRESET|EOF/u);
    else
      expect(last.toLowerCase()).toMatch(
        new RegExp(
          // OpenSSL writes it with two l.
          `${alert.replace("canceled", "cancell?ed")}|_${ALERTS[alert]}$|reason\\(${1000 + ALERTS[alert]}\\)`,
          "u",
        ),
      );
    expect(effects()).toEqual([`alerted ${JSON.stringify({ alert, at: "established", age_ms: 0 })}`]);
    await emptied(proxy);
  });

  it("comes after a time, between two responses", async () => {
    const proxy = await proxied();
    lab.use([fault("tls_alert", { alert: "internal_error", after: "30s" }, { at: "established" })]);
    const { socket, log, closed } = await client(proxy, { maxVersion }, get("/v1/jobs"));
    await until(() => log.includes("hello"));
    time.advance(29_999);
    await turns();
    socket.write(get("/v1/jobs"));
    await until(() => log.filter((line) => line === "hello").length === 2);
    time.advance(1);
    await closed;
    expect(log).toEqual(["secure", "hello", "hello", "ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR"]);
    await emptied(proxy);
  });

  it("comes after so many bytes, behind them", async () => {
    const proxy = await proxied();
    const bytes = ok("hello").length * 2;
    lab.use([fault("tls_alert", { alert: "internal_error", bytes: `${bytes}B` }, { at: "established" })]);
    const { socket, log, closed } = await client(proxy, { maxVersion }, get("/v1/jobs"));
    await until(() => log.includes("hello"));
    expect(effects()).toEqual([]);
    socket.write(get("/v1/jobs"));
    await closed;
    expect(log).toEqual(["secure", "hello", "hello", "ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR"]);
    expect(effects()).toEqual([expect.stringContaining(`"at_byte":${bytes}`) as string]);
    await emptied(proxy);
  });

  it.each([
    [5_000, 5_000, "all of it"],
    [16_384, 1, "all of it"],
    [100_000, 1, "near"],
    [100_000, 20_000, "near"],
    [1_000_000, 200_000, "near"],
  ] as const)("of %d bytes comes after %d: behind a whole record, %s", async (total, bytes, how) => {
    const port = await lab.server((socket) => {
      socket.on("error", () => undefined).write(Buffer.alloc(total, "x"));
    });
    const proxy = await lab.proxy(port, { secure: secureSpec() });
    lab.use([fault("tls_alert", { alert: "internal_error", bytes: `${bytes}B` }, { at: "established" })]);
    const { text, how: ended } = await lab.sees(proxy, { maxVersion }, "go on");
    expect(ended).toBe("ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR");
    if (how === "all of it") expect(text).toHaveLength(total);
    else expect(Math.abs(text.length - bytes)).toBeLessThanOrEqual(65_536);
  });

  it("answers the client's certificate, and nothing behind it is asked", async () => {
    const proxy = await proxied();
    lab.use([
      fault("tls_alert", { alert: "bad_certificate" }, { at: "client_certificate" }),
      fault("tls_alert", { alert: "internal_error" }, { name: "later", at: "established" }),
    ]);
    const { log, closed } = await client(proxy, { maxVersion });
    await closed;
    expect(log.at(-1)).toBe(codeOf("bad_certificate"));
    expect(lab.facts.hits()).toEqual(["tls_alert alerted 127.0.0.1"]);
    await emptied(proxy);
  });
});

interface Row {
  readonly raw: Readonly<Record<string, unknown>>;
  /** What it takes until something happens; null for at once. */
  readonly after: number | null;
  readonly end: "goes on" | "closed" | "reset";
}

const ROWS: readonly Row[] = [
  { raw: { for: "10s" }, after: 10_000, end: "goes on" },
  { raw: { for: "10s", then: "close" }, after: 10_000, end: "closed" },
  { raw: { for: "10s", then: "reset" }, after: 10_000, end: "reset" },
  { raw: { then: "close" }, after: null, end: "closed" },
  { raw: { then: "reset" }, after: null, end: "reset" },
  { raw: { delay: "2s", for: "10s", then: "reset" }, after: 12_000, end: "reset" },
];
const HOLDING = [{}, { for: "10s" }, { for: "10s", then: "reset" }];
const PLACES = [
  { stall_at: "our_flight" },
  { stall_at: "our_flight", bytes: "0B" },
  { stall_at: "our_flight", bytes: "200B" },
  { stall_at: "finished" },
] as const;
const TABLE = VERSIONS.flatMap((maxVersion) => PLACES.map((place) => ({ maxVersion, place })));

describe.each(TABLE)("a handshake over $maxVersion that stops: $place", ({ maxVersion, place }) => {
  /** Over TLS 1.3 the client takes itself to be connected before its Finished is answered. */
  const before = place.stall_at === "finished" && maxVersion === "TLSv1.3" ? ["secure"] : [];

  async function stopped(
    raw: Readonly<Record<string, unknown>>,
  ): Promise<Told & { proxy: Awaited<ReturnType<typeof proxied>> }> {
    const proxy = await proxied();
    lab.use([fault("tls_handshake", { ...place, ...raw })]);
    const told = await client(proxy, { maxVersion });
    if ("delay" in raw) {
      await until(() => effects().length === 1);
      time.advance(2_000);
    }
    await until(() => effects().some((effect) => effect.startsWith("stalled")));
    await turns();
    return { ...told, proxy };
  }

  it.each(sample(ROWS, 3))("ends as said: $raw", async ({ raw, after, end }) => {
    const { log, closed, proxy } = await stopped(raw);
    if (after !== null) {
      expect(log).toEqual(before);
      time.advance(9_999);
      await turns();
      expect(log).toEqual(before);
      time.advance(1);
    }
    await closed;
    if (end === "goes on") expect(log).toEqual(["secure", "hello", "end"]);
    else
      expect(log.at(-1)).toMatch(
        end === "reset" ? /^ECONNRESET$/u : /^(?:ECONNRESET|end|ERR_SSL_UNEXPECTED_EOF_WHILE_READING)$/u,
      );
    await emptied(proxy);
  });

  it.each(sample(HOLDING, 2))("goes on when the fault goes: %s", async (raw) => {
    const { log, closed, proxy } = await stopped(raw);
    time.advance(4_000);
    lab.heal();
    await closed;
    expect(log).toEqual(["secure", "hello", "end"]);
    await emptied(proxy);
  });

  it.each(sample(HOLDING, 2))("is over when the client leaves: %s", async (raw) => {
    const { socket, log, proxy } = await stopped(raw);
    socket.destroy();
    await emptied(proxy);
    expect(log).toEqual(before);
    expect((await lab.facts.first("tls_over")).took).toMatch(/^(?:closed|reset)$/u);
    time.advance(100_000);
    lab.heal();
  });

  it("is over when the proxy stops", async () => {
    const { closed, proxy } = await stopped({});
    proxy.stop();
    await closed;
  });
});

describe.each(VERSIONS)("a client's certificate over %s", (maxVersion) => {
  const shown = async (): Promise<{ cert: string; key: string }> => {
    const authority = await lab.authority();
    const { cert, key } = authority.present(["bot-7.example"], { problem: "wrong_usage", by: 3_600_000 });
    return { cert, key };
  };
  const MISSING =
    maxVersion === "TLSv1.3" ? "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED" : codeOf("handshake_failure");

  it("is demanded of those who have none", async () => {
    const proxy = await proxied();
    lab.use([fault("tls_client_certificate")]);
    const { log, closed } = await client(proxy, { maxVersion });
    await closed;
    expect(log.at(-1)).toBe(MISSING);
    expect(effects()).toEqual([
      "demanded undefined",
      `refused {"alert":"${maxVersion === "TLSv1.3" ? "certificate_required" : "handshake_failure"}","shown":false}`,
    ]);
    await emptied(proxy);
  });

  it("is taken whatever it is, where none is refused", async () => {
    const proxy = await proxied();
    lab.use([fault("tls_client_certificate")]);
    const { log, closed } = await client(proxy, { maxVersion, ...(await shown()) });
    await closed;
    expect(log).toEqual(["secure", "hello", "end"]);
    expect(effects()).toEqual(["demanded undefined"]);
    expect((await lab.facts.first("tls_over")).took).toBe("accepted");
    await emptied(proxy);
  });

  it("is refused from some time on, over open connections as well", async () => {
    const proxy = await proxied();
    lab.use([fault("tls_client_certificate", { refuse: "unknown_ca", after: "5m", existing: "alert" })]);
    const certificate = await shown();
    const open = await client(proxy, { maxVersion, ...certificate }, get("/v1/jobs"));
    await until(() => open.log.includes("hello"));
    time.advance(299_999);
    const early = await client(proxy, { maxVersion, ...certificate });
    await early.closed;
    expect(early.log).toEqual(["secure", "hello", "end"]);
    expect(open.log).toEqual(["secure", "hello"]);
    time.advance(1);
    await open.closed;
    expect(open.log.at(-1)).toBe("ERR_SSL_TLSV1_ALERT_UNKNOWN_CA");
    const late = await client(proxy, { maxVersion, ...certificate });
    await late.closed;
    expect(late.log.at(-1)).toBe("ERR_SSL_TLSV1_ALERT_UNKNOWN_CA");
    await emptied(proxy);
  });
});

describe.each(VERSIONS)("an end over %s", (maxVersion) => {
  it("without a close_notify is one that OpenSSL calls unexpected", async () => {
    const proxy = await proxied();
    lab.use([fault("tls_end", { how: "without_notify" })]);
    const { log, closed } = await client(proxy, { maxVersion });
    await closed;
    expect(log.slice(0, 2)).toEqual(["secure", "hello"]);
    expect(log.at(-1)).toMatch(/^(?:end|ERR_SSL_UNEXPECTED_EOF_WHILE_READING)$/u);
    expect(effects()).toEqual(['ended {"how":"without_notify"}']);
    await emptied(proxy);
  });

  it("with a close_notify and no more leaves the connection open until the client goes", async () => {
    const proxy = await proxied();
    lab.use([fault("tls_end", { how: "notify_and_stay" })]);
    const { socket, log } = await client(proxy, { maxVersion });
    await until(() => log.includes("end"));
    expect(effects()).toEqual(['ended {"how":"notify_and_stay"}']);
    socket.destroy();
    await until(() => proxy.stats.connectionsActive === 0);
  });

  it("with an alert is an error behind the whole response", async () => {
    const proxy = await proxied();
    lab.use([fault("tls_end", { how: "alert", alert: "internal_error" })]);
    const { log, closed } = await client(proxy, { maxVersion });
    await closed;
    expect(log).toEqual(["secure", "hello", "ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR"]);
    expect(effects()).toEqual(['ended {"how":"alert","alert":"internal_error"}']);
    await emptied(proxy);
  });
});

describe("a client that a fault holds at its hello", () => {
  it.each([
    ["destroys", /^(?:closed|reset)$/u],
    ["ends", /^closed$/u],
  ] as const)(
    "is told of when it %s its connection, with the time that it had patience for",
    async (how, took) => {
      const proxy = await proxied();
      lab.use([fault("tls_handshake", { stall_at: "hello" })]);
      const { socket, closed } = await client(proxy);
      await until(() => effects().length === 1);
      time.advance(12_000);
      if (how === "ends") socket.end();
      socket.destroy();
      await closed;
      const over = await lab.facts.first("tls_over");
      expect(over).toMatchObject({
        ms: 12_000,
        faults: ["tls_handshake"],
        sni: "jobs.example",
        version: null,
      });
      expect(over.took).toMatch(took);
      await emptied(proxy);
    },
  );

  it("is told of once where it was sent an alert", async () => {
    const proxy = await proxied();
    lab.use([fault("tls_alert", { alert: "unknown_ca" })]);
    const { closed } = await client(proxy);
    await closed;
    await emptied(proxy);
    expect(lab.facts.of("tls_over").map(({ took }) => took)).toEqual(["undecided"]);
  });
});
