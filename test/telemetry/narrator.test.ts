import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Telemetry } from "../../src/telemetry/telemetry.js";
import { FACTS, failed, hit, logged, over, SAMPLES } from "./samples.js";
import type { LogOptions } from "../../src/telemetry/log.js";

// Other files run in the same process.
beforeAll(() => {
  vi.stubEnv("TZ", "UTC");
});
afterAll(() => {
  vi.unstubAllEnvs();
});

function start(options: Partial<LogOptions> = {}) {
  const { log, clock, lines } = logged(options);
  const telemetry = new Telemetry({ clock, log });
  return {
    clock,
    telemetry,
    tell: telemetry.tell.bind(telemetry),
    /** Without the time, which has the same width in each line. */
    texts: async () => {
      await telemetry.close();
      return (await lines()).map((line) => line.slice("14:03:07.120  ".length));
    },
    lines: async () => {
      await telemetry.close();
      return lines();
    },
  };
}

describe("what people read", () => {
  it("says who was hit by what", async () => {
    const { tell, lines } = start();
    tell(hit());
    tell(hit({ effect: "corrupted", amount: 12, detail: { at_byte: 700, path: "/v1/jobs" } }));
    tell({ ...SAMPLES.fault_hit, effect: "observed", observed: true });
    expect(await lines()).toEqual([
      "14:03:07.120  fault    jobs/latency  bot 127.0.0.2  delayed (delay_ms 200)",
      "14:03:07.120  fault    jobs/latency  bot 127.0.0.2  corrupted 12 (at_byte 700, path /v1/jobs)",
      "14:03:07.120  fault    jobs/latency  bot 127.0.0.2  would be hit",
    ]);
  });

  it("says a sentence for every other kind", async () => {
    const { tell, texts } = start();
    for (const fact of FACTS) if (fact.kind !== "fault_hit" && fact.kind !== "mistake") tell(fact);
    expect(await texts()).toEqual([
      "fault    redis/slow  set on the proxy: latency (delay 1000, jitter 0, direction downstream)",
      "fault    redis/slow  changed: latency (delay 2000, jitter 0, direction downstream, probability 0.5)",
      "fault    redis/slow  taken away from the proxy",
      "redis/slow  hit 9 of 12 matching, of 12 in all: delayed 41",
      "failed   jobs  127.0.0.2  proxy_header: no PROXY protocol header",
      "tls      jobs  127.0.0.1 accepted a certificate that is wrong: expired, for jobs.example  [expired]",
      "tls      the CA for bots is CN=Squall test CA - do not trust - build-7 by now, until 2028-03-01T14:03:07.000Z",
      "tls      jobs  /etc/squall/jobs.pem was read again",
      "exchange jobs  bot bot-1  POST /v1/jobs/4/complete  upstream 200 after 4.2 ms, client got nothing, reset after 4.4 ms  [lose-the-ack]",
      "profile  wan  on  seed 7",
      "again: squall use wan --seed 7 --param delay=200",
      "profile  wan  goes on, since 2026-03-01T14:02:51.004Z  seed 7",
      "again: squall use wan --seed 7 --param delay=200",
      "state    state.json  restored profile sluggish, proxy redis, activation wan",
      "server-restart: over meanwhile (finished)",
      "left out, and still in the file: proxy jobs: the file has a proxy of that name now, which prevails",
      "state    cannot write state.json, so changes would not be there after a restart: ENOSPC: no space left on device, write",
      "state    state.json is written again",
      "fleet    nats://nats-1:4222 answers",
      "fleet    nats://nats-1:4222 does not answer; what is on goes on, and ends in time: no answer within 5 s",
      "fleet    plan 17: wan  by ci-42: nightly",
      'fleet    plan 17 is refused, and nothing of the fleet is on here: no proxy is called "jobs"',
      "fleet    the engine has plan 12 and had 17: only what was on already is taken from it",
      "fleet    another daemon at http://10.0.0.7:8474 goes by the name node-1 too (its life is 3f9a1c0b7d42): give each a name of its own (fleet.daemon)",
      "fleet    no other daemon goes by the name node-1 any more",
      "fleet    plan 17 was ended or replaced here; the fleet switches nothing on before it changes",
      "phase    wan  crash",
      "profile  wan  off (healed)",
      "jobs/latency  hit 12 of 12 matching, of 412 in all: delayed 41",
      "jobs/reset  hit 0 of 0 matching, of 412 in all",
      "warning: reset matched 0 of 412 connections",
      "reload   refused, and what was in force stays",
      "profiles/wan.yaml:4:14 faults[0].jitter: expected a duration such as 50ms, got 50",
      "        jitter: 50",
      "                 ^",
      "proxy    jobs  listens on 127.0.0.1:8080 for tcp://jobs.internal:3000",
      "proxy    jobs  stopped",
      "proxy    jobs  does not listen: a fault is in force",
      "proxy    jobs  listens again on 127.0.0.1:8080",
      "proxy    jobs  cannot listen on 127.0.0.1:8080, and tries again: address already in use",
      "limit    jobs  reached its limit of 8000 connections",
      "opaque   jobs  127.0.0.2 speaks TLS, not HTTP/1.1: its bytes are passed on unread",
      "upstream jobs/b  is down: no answer within 1000 ms",
      "engine   jobs/packet_loss  by the model: the kernel knows no rtt",
      "engine   jobs/packet_loss  the kernel dropped 203 of 10000 segments",
      "engine   the kernel drops nothing any more, and is asked again: nft ended with SIGKILL",
      "bots     jobs  ALL BOTS LOOK THE SAME: every connection comes from 172.18.0.1, so they share one row of draws",
      "give them addresses of their own, or let `identify` or `proxy_protocol` tell them apart",
      "mark     test_crash_recovery begins",
    ]);
  });

  it("names the exchange that was hit", async () => {
    const { tell, texts } = start({ level: "debug" });
    const exchange = { id: 12, method: "GET", path: "/v1/jobs/\u001b[2J" };
    tell(hit({ exchange }));
    tell({ ...SAMPLES.fault_total, exchange });
    expect(await texts()).toEqual([
      String.raw`fault    jobs/latency  bot 127.0.0.2  GET /v1/jobs/\x1b[2J  delayed (delay_ms 200)`,
      String.raw`total    jobs/latency  bot 127.0.0.2  GET /v1/jobs/\x1b[2J  delayed 41`,
    ]);
  });

  it("says of an exchange what the upstream did and how it ended for the client", async () => {
    const { tell, texts } = start();
    const unasked = { upstream_status: null, upstream_ms: null };
    tell(over({ client_status: 200, end: "complete" }));
    tell(over({ ...unasked, client_status: 503, end: "complete", faults: ["slow", "answer"] }));
    tell(over({ client_status: 200, end: "cut" }));
    tell(over({ ...unasked, end: "closed" }));
    tell(over({ end: "client_left", client_ms: 30_000 }));
    const before = "exchange jobs  bot bot-1  POST /v1/jobs/4/complete  ";
    expect((await texts()).map((line) => line.replace(before, ""))).toEqual([
      "upstream 200 after 4.2 ms, client got 200 after 4.4 ms  [lose-the-ack]",
      "no answer from upstream, client got 503 after 4.4 ms  [slow, answer]",
      "upstream 200 after 4.2 ms, client got 200, cut short after 4.4 ms  [lose-the-ack]",
      "no answer from upstream, client got nothing, closed after 4.4 ms  [lose-the-ack]",
      "upstream 200 after 4.2 ms, client got nothing, left after 30000 ms  [lose-the-ack]",
    ]);
  });

  it("has the trace of a mistake of ours", async () => {
    const { tell, texts } = start();
    tell(SAMPLES.mistake);
    const [first, second, third] = await texts();
    expect(first).toBe(
      "mistake  a mistake of Squall itself in connection 7: RangeError: offset is out of bounds",
    );
    expect(second).toBe("RangeError: offset is out of bounds");
    expect(third).toContain("samples.ts");
  });

  it("names a second pass, an observing activation and what a reload changed", async () => {
    const { tell, texts } = start();
    tell({ ...SAMPLES.phase_entered, pass: 2 });
    tell({ ...SAMPLES.activation_started, mode: "observe" });
    tell({ ...SAMPLES.activation_ended, mode: "observe", warnings: [] });
    tell({ kind: "reload", ok: true, problems: [], changed: ["profile wan", "proxy jobs"], warnings: [] });
    tell({ kind: "reload", ok: true, problems: [], changed: [], warnings: [] });
    expect(await texts()).toEqual([
      "phase    wan  crash (pass 2)",
      "profile  wan  on, only observing  seed 7",
      "again: squall use wan --seed 7 --param delay=200",
      "profile  wan  off (healed)",
      "jobs/latency  would have hit 12 of 12 matching, of 412 in all: delayed 41",
      "jobs/reset  would have hit 0 of 0 matching, of 412 in all",
      "reload   profile wan, proxy jobs",
      "reload   nothing changed",
    ]);
  });
});

describe("what machines read", () => {
  it("has the fields of the journal's entry", async () => {
    const { tell, telemetry, lines } = start({ format: "json", level: "debug" });
    for (const fact of FACTS) tell(fact);
    const read = (await lines()).map((line) => JSON.parse(line) as Record<string, unknown>);
    const entries = read
      .filter(({ seq }) => seq !== undefined)
      .map(({ level: _l, message: _m, trace: _t, ...entry }) => entry);
    expect(entries).toEqual(telemetry.journal.query());
    expect(read.find(({ kind }) => kind === "plan_changed")).toMatchObject({ level: "debug", revision: 5 });
    expect(read.find(({ kind }) => kind === "mistake")).toMatchObject({
      trace: expect.stringContaining("RangeError") as unknown,
    });
  });
});

describe("the pace", () => {
  it("is five lines a second for a fault on a proxy, and then a count; the journal has them all", async () => {
    const { clock, tell, telemetry, texts } = start();
    for (let n = 0; n < 317; n++) tell(hit());
    tell(hit({ proxy: "broker" }));
    clock.advance(1_000);
    tell(hit());
    const lines = await texts();
    expect(lines.filter((line) => line.includes("jobs/latency  bot"))).toHaveLength(6);
    expect(lines.slice(5, 7)).toEqual([
      "fault    broker/latency  bot 127.0.0.2  delayed (delay_ms 200)",
      "fault    jobs/latency  … and 312 more",
    ]);
    expect(telemetry.journal.lastSeq).toBe(319);
  });

  it("is five exchanges a second for a proxy, and then a count; the journal has them all", async () => {
    const { clock, tell, telemetry, texts } = start();
    for (let n = 0; n < 5_000; n++) tell(over({ bot: `bot-${n}` }));
    tell(over({ proxy: "broker" }));
    clock.advance(1_000);
    tell(over());
    const lines = await texts();
    expect(lines).toHaveLength(8);
    expect(lines[6]).toBe("exchange jobs  … and 4995 more");
    expect(telemetry.journal.lastSeq).toBe(5_002);
  });

  it("shows why bots fail with a line at once and a count every ten seconds", async () => {
    const { clock, tell, lines } = start();
    const refused = failed({ reason: "upstream_refused", text: "connect ECONNREFUSED 10.0.0.1:3000" });
    for (let second = 0; second < 12; second++) {
      for (let n = 0; n < 100; n++) tell(refused);
      clock.advance(1_000);
    }
    const failure = "jobs  127.0.0.2  upstream_refused: connect ECONNREFUSED 10.0.0.1:3000";
    expect(await lines()).toEqual([
      `14:03:07.120  failed   ${failure}`,
      `14:03:17.120  failed   … and 999 more in 10 s, the last: ${failure}`,
      `14:03:17.120  failed   ${failure}`,
      `14:03:19.120  failed   … and 199 more in 10 s, the last: ${failure}`,
    ]);
  });

  it("keeps proxies and reasons apart", async () => {
    const { tell, texts } = start();
    tell(failed({ reason: "upstream_refused" }));
    tell(failed({ reason: "upstream_timeout" }));
    tell(failed({ reason: "upstream_refused", proxy: "broker" }));
    expect(await texts()).toHaveLength(3);
  });

  it("keeps what went wrong apart, ten times in ten seconds", async () => {
    const { tell, texts } = start();
    for (let n = 0; n < 100; n++) tell(failed({ reason: "client_tls", text: `alert ${n}`, bot: "bot-7" }));
    const lines = await texts();
    // The end of the log says how many were left out.
    expect(lines).toHaveLength(12);
    expect(lines[1]).toBe("failed   jobs  127.0.0.2  bot bot-7  client_tls: alert 1");
    expect(lines[11]).toBe(
      "failed   … and 89 more in 10 s, the last: jobs  127.0.0.2  bot bot-7  client_tls: alert 99",
    );
  });

  it("does not repeat a trace", async () => {
    const { tell, texts } = start();
    tell(SAMPLES.mistake);
    const once =
      SAMPLES.mistake.error instanceof Error ? (SAMPLES.mistake.error.stack ?? "").split("\n").length : 0;
    for (let n = 0; n < 50; n++) tell(SAMPLES.mistake);
    expect(await texts()).toHaveLength(1 + once + 1);
  });

  it("shows every failure and every total to those who debug", async () => {
    const { tell, texts } = start({ level: "debug" });
    tell(SAMPLES.fault_total);
    tell(SAMPLES.plan_changed);
    for (let n = 0; n < 20; n++) tell(failed({ reason: "client_reset" }));
    const lines = await texts();
    expect(lines.slice(0, 2)).toEqual([
      "total    jobs/latency  bot 127.0.0.2  delayed 41",
      "plan     revision 5",
    ]);
    expect(lines.filter((line) => line.startsWith("failed   jobs"))).toHaveLength(20);
  });

  it("holds for phases that follow each other too fast to read", async () => {
    const { tell, texts } = start();
    for (let pass = 1; pass <= 100; pass++) tell({ ...SAMPLES.phase_entered, pass });
    const lines = await texts();
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toBe("phase    wan  … and 80 more");
  });

  it("leaves no timer behind when telemetry closes", async () => {
    const { clock, tell, telemetry } = start();
    for (const fact of FACTS) tell(fact);
    expect(clock.idle).toBe(false);
    await telemetry.close();
    expect(clock.idle).toBe(true);
  });
});
