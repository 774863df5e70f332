/** Slow and stopped handshakes: how long, where, and what comes of them under every event meanwhile. */
import { once } from "node:events";
import type { TLSSocket } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../src/core/clock.js";
import { closing, ok } from "../../../support/http-lab.js";
import { handshakeOf } from "../../../support/handshake-bench.js";
import { fault, turns, TYPES, until } from "../../../support/lab.js";
import { refusedFault } from "../../../support/refused-fault.js";
import { secureSpec, secureTimeLab, type SecureLab } from "../../../support/secure-lab.js";
import { Armed } from "../../../support/stream-bench.js";

let { lab, time } = secureTimeLab();
afterEach(async () => {
  await lab.close();
  ({ lab, time } = secureTimeLab());
});

/** A client that is connected, and has said its hello to a proxy that has read it. */
async function held(raw: Record<string, unknown>): Promise<{
  readonly socket: TLSSocket;
  readonly ended: Promise<string>;
  readonly state: () => string;
  readonly proxy: Awaited<ReturnType<SecureLab["http"]>>;
}> {
  const server = await lab.answering();
  const proxy = await lab.http(server.port, { secure: secureSpec() });
  lab.use([fault("tls_handshake", raw)]);
  const socket = await lab.tls(proxy);
  let state = "waiting";
  let text = "";
  socket.on("secureConnect", () => {
    state = "secure";
    socket.write(closing);
  });
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<string>((over) => {
    socket.on(
      "error",
      ({ code = "", message }: NodeJS.ErrnoException) => (state = code === "" ? message : code),
    );
    socket.on("close", () => {
      over(state === "secure" ? `secure ${text === ok("hello") ? "answered" : text}` : state);
    });
  });
  await until(() => lab.facts.of("fault_hit").length > 0);
  await turns();
  return { socket, ended, state: () => state, proxy };
}

const effects = (): string[] =>
  lab.facts.of("fault_hit").map(({ effect, detail }) => `${effect} ${JSON.stringify(detail)}`);

describe("a slow handshake", () => {
  it("is answered when its time has come, and not before", async () => {
    const { state, ended } = await held({ delay: "2s" });
    time.advance(1_999);
    await turns();
    expect(state()).toBe("waiting");
    time.advance(1);
    expect(await ended).toBe("secure answered");
    expect(effects()).toEqual(['delayed {"delay_ms":2000}']);
    expect((await lab.facts.first("tls_over")).took).toBe("accepted");
  });

  it("is answered at once when the fault goes", async () => {
    const { ended } = await held({ delay: "2h" });
    lab.heal();
    expect(await ended).toBe("secure answered");
  });

  it("is answered by the new delay when that changes", async () => {
    const { ended, state } = await held({ delay: "2h" });
    time.advance(4_000);
    lab.change([fault("tls_handshake", { delay: "5s" })]);
    await turns();
    expect(state()).toBe("waiting");
    time.advance(1_000);
    expect(await ended).toBe("secure answered");
    expect(effects()).toEqual(['delayed {"delay_ms":7200000}']);
  });

  it("draws once for each handshake, by the seed", () => {
    const delays = (seed: number): number[] => {
      const armed = new Armed(
        "tls_handshake",
        { delay: "1s", jitter: "1s", distribution: "normal" },
        new VirtualClock(),
        undefined,
        seed,
      );
      for (let n = 0; n < 20; n++) {
        const one = handshakeOf(armed, n);
        expect(one.hello?.()).toEqual(one.hello?.());
      }
      return armed.delays;
    };
    expect(delays(3)).toHaveLength(20);
    expect(delays(3)).toEqual(delays(3));
    expect(delays(3)).not.toEqual(delays(4));
  });
});

interface Row {
  readonly raw: Readonly<Record<string, unknown>>;
  readonly after: number | null;
  readonly end: string;
  readonly told: readonly string[];
}

const GONE = "ECONNRESET";
const STALLED = 'stalled {"at":"hello"}';

/** What becomes of a handshake that stops at the hello if nothing else happens. */
const ROWS: readonly Row[] = [
  {
    raw: { then: "close" },
    after: null,
    end: GONE,
    told: [STALLED, 'ended {"how":"close"}'],
  },
  {
    raw: { then: "reset" },
    after: null,
    end: GONE,
    told: [STALLED, 'ended {"how":"reset"}'],
  },
  { raw: { for: "10s" }, after: 10_000, end: "secure answered", told: [STALLED] },
  {
    raw: { for: "10s", then: "go_on" },
    after: 10_000,
    end: "secure answered",
    told: [STALLED],
  },
  {
    raw: { for: "10s", then: "close" },
    after: 10_000,
    end: GONE,
    told: [STALLED, 'ended {"how":"close"}'],
  },
  {
    raw: { for: "10s", then: "reset" },
    after: 10_000,
    end: GONE,
    told: [STALLED, 'ended {"how":"reset"}'],
  },
  {
    raw: { delay: "3s", for: "10s", then: "reset" },
    after: 13_000,
    end: GONE,
    told: ['delayed {"delay_ms":3000}', STALLED, 'ended {"how":"reset"}'],
  },
];

/** Those that are still held at some time, and how. */
const HOLDING: readonly Readonly<Record<string, unknown>>[] = [
  {},
  { then: "hang" },
  { for: "10s" },
  { for: "10s", then: "close" },
  { for: "10s", then: "reset" },
  { delay: "3s", then: "hang" },
  { delay: "3s", for: "10s", then: "close" },
];

describe("a handshake that stops at the hello", () => {
  it.each(ROWS)("ends as said: $raw", async ({ raw, after, end, told }) => {
    const { ended, state, proxy } = await held({ stall_at: "hello", ...raw });
    if (after !== null) {
      time.advance(after - 1);
      await turns();
      expect(state()).toBe("waiting");
      time.advance(1);
    }
    expect(await ended).toBe(end);
    expect(effects()).toEqual(told);
    await until(() => proxy.stats.connectionsActive === 0 && lab.context.slots.taken === 0);
    expect(lab.facts.of("connection_failed")).toEqual([]);
  });

  it.each(HOLDING)("is let go on when the fault goes: %s", async (raw) => {
    const { ended } = await held({ stall_at: "hello", ...raw });
    time.advance(5_000);
    lab.heal();
    expect(await ended).toBe("secure answered");
  });

  it.each(HOLDING)("is over when the client leaves: %s", async (raw) => {
    const { socket, proxy } = await held({ stall_at: "hello", ...raw });
    time.advance(5_000);
    socket.destroy();
    await until(() => proxy.stats.connectionsActive === 0 && lab.context.slots.taken === 0);
    expect(lab.facts.of("connection_failed")).toEqual([]);
    time.advance(100_000);
    lab.heal();
  });

  it.each(HOLDING)("is over when the proxy stops: %s", async (raw) => {
    const { ended, proxy } = await held({ stall_at: "hello", ...raw });
    proxy.stop();
    expect(await ended).toBe(GONE);
    time.advance(100_000);
  });

  it.each(HOLDING)("hangs for good when it is told to while it is held: %s", async (raw) => {
    const { state, ended } = await held({ stall_at: "hello", ...raw });
    time.advance(5_000);
    lab.change([fault("tls_handshake", { stall_at: "hello" })]);
    time.advance(100_000);
    await turns();
    expect(state()).toBe("waiting");
    lab.change([fault("tls_handshake", { stall_at: "hello", then: "close" })]);
    expect(await ended).toBe(GONE);
  });

  it("takes no place of the others", async () => {
    const { proxy } = await held({ stall_at: "hello" });
    lab.use([fault("tls_handshake", { stall_at: "hello" }, { match: [{ sni: ["stalled.example"] }] })]);
    const stalled = await lab.tls(proxy, { servername: "stalled.example" });
    await until(() => lab.facts.of("fault_hit").length === 2);
    expect(await lab.sees(proxy, {}, closing)).toMatchObject({ how: "secure", text: ok("hello") });
    stalled.destroy();
    await once(stalled, "close");
  });
});

describe("a handshake that stops behind the hello", () => {
  const PLACES = ["our_flight", "finished"].flatMap((stall_at) =>
    (["TLSv1.2", "TLSv1.3"] as const).map((version) => [stall_at, version] as const),
  );

  it.each(PLACES)(
    "closes when its time has come, at %s in %s, and leaves no place taken",
    async (at, version) => {
      const begun = time.now();
      const server = await lab.scripted();
      const proxy = await lab.http(server.port, { secure: secureSpec() });
      lab.use([fault("tls_handshake", { stall_at: at, for: "10s", then: "close" })]);
      const socket = await lab.tls(proxy, { maxVersion: version });
      let ended = false;
      socket.on("error", () => undefined).on("close", () => (ended = true));
      await until(() => lab.facts.of("fault_hit").length > 0);
      time.advance(9_999);
      await turns();
      expect(ended).toBe(false);
      time.advance(1);
      await until(() => ended && proxy.stats.connectionsActive === 0 && lab.context.slots.taken === 0);
      expect(time.now()).toBe(begun + 10_000);
      expect(effects()).toEqual([expect.stringContaining("stalled") as unknown, 'ended {"how":"close"}']);
    },
  );
});

describe("the engine", () => {
  it("is needed for stalls of its own flight, and for nothing else", () => {
    const keys = (raw: Record<string, unknown>): string[] => {
      const one = handshakeOf(new Armed("tls_handshake", raw, new VirtualClock()));
      return (["stall", "stalled"] as const).filter((key) => one[key] !== undefined);
    };
    expect(keys({ delay: "1s" })).toEqual([]);
    expect(keys({ stall_at: "hello" })).toEqual([]);
    expect(keys({ stall_at: "finished" })).toEqual(["stall", "stalled"]);
    const type = TYPES.get("tls_handshake");
    const needs = (raw: Record<string, unknown>): boolean | undefined =>
      type?.termination?.(type.params.parse(raw), "");
    expect([{ delay: "1s" }, { stall_at: "hello" }, { stall_at: "our_flight" }].map(needs)).toEqual([
      false,
      false,
      true,
    ]);
  });

  it.each([
    [{ stall_at: "our_flight" }, { at: "our_flight", bytes: 64 }],
    [
      { stall_at: "our_flight", bytes: "1KiB" },
      { at: "our_flight", bytes: 1024 },
    ],
    [{ stall_at: "finished" }, { at: "finished" }],
  ])("is stopped where it should be: %s", (raw, stall) => {
    const clock = new VirtualClock(1_000);
    const armed = new Armed("tls_handshake", { ...raw, for: "10s", then: "close" }, clock);
    const one = handshakeOf(armed);
    expect(one.hello?.()).toEqual({ do: "pass" });
    expect(one.stall?.()).toEqual(stall);
    expect(armed.counts).toEqual({});
    expect(one.stalled?.()).toEqual({ do: "hold", for: 10_000, again: true });
    clock.advance(4_000);
    expect(one.stalled?.()).toEqual({ do: "hold", for: 6_000, again: true });
    clock.advance(6_000);
    expect(one.stalled?.()).toEqual({ do: "close" });
    expect(one.stalled?.()).toEqual({ do: "close" });
    expect(armed.counts).toEqual({ stalled: 1, ended: 1 });
    armed.assign({ delay: "1s" });
    expect(one.stalled?.()).toEqual({ do: "pass" });
  });
});

describe("what is written", () => {
  it.each([
    ["", "delay: is missing, as is stall_at: say how handshakes are slow, or where they stop"],
    [", jitter: 1s", "jitter: is the spread of a delay: give delay as well"],
    [", delay: 1s, bytes: 1B", "bytes: means something with stall_at only"],
    [", delay: 1s, for: 1s", "for: means something with stall_at only"],
    [", delay: 1s, then: close", "then: means something with stall_at only"],
    [", stall_at: hello, bytes: 1B", "bytes: means something with `stall_at: our_flight` only"],
    [
      ", stall_at: hello, for: 1s, then: hang",
      "for: cannot stand with `then: hang`, which is for as long as the fault is there",
    ],
    [", stall_at: hello, then: go_on", "then: go_on needs to know after how long: give for as well"],
    [", stall_at: hello, for: 0s", "for: must be more than 0ms, got 0s"],
  ])("is refused: %s", (text, message) => {
    expect(refusedFault(`{ type: tls_handshake${text} }`)).toEqual([
      expect.stringMatching(/^3:\d+ faults\[0\]\./u) as unknown,
    ]);
    expect(refusedFault(`{ type: tls_handshake${text} }`)[0]).toContain(`faults[0].${message}`);
  });

  it("is said in a sentence", () => {
    const type = TYPES.get("tls_handshake");
    const explained = (raw: Record<string, unknown>): string | undefined =>
      type?.explain(type.params.parse(raw));
    expect(explained({ delay: "2s" })).toBe("answers handshakes late by 2s");
    expect(explained({ stall_at: "hello" })).toBe("stops handshakes before our first byte");
    expect(explained({ delay: "1s", stall_at: "our_flight", for: "10s" })).toBe(
      "answers handshakes late by 1s and stops handshakes 64B into our first flight for 10s and then lets them go on",
    );
    expect(explained({ stall_at: "finished", then: "reset" })).toBe(
      "stops handshakes at the client's Finished and then resets them",
    );
  });
});
