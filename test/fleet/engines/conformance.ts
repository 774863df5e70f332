/** What every engine must do, whatever is behind it: one suite, which each of them runs. */
import { createHash, randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import {
  EngineError,
  type EngineOptions,
  type FleetEngine,
  type Hint,
} from "../../../src/fleet/contract/engine.js";
import type { JournalBatch, KeptBatch } from "../../../src/fleet/contract/journal.js";
import type { JournalEntry } from "../../../src/telemetry/entry.js";
import { presenceOf } from "../../support/fleet/presence.js";

export interface Bench {
  /** Another client of the same fleet of the same engine; the suite closes it. */
  readonly open: (options: Partial<EngineOptions> & { readonly fleet: string }) => Promise<FleetEngine>;
  /** Ends the server, and starts it again with its data; null where there is nothing that could be ended. */
  readonly outage: { readonly stop: () => Promise<void>; readonly start: () => Promise<void> } | null;
  /** Throws the fleet's journal away, so that the next batch makes it anew. */
  readonly loseJournal: (fleet: string) => Promise<void>;
  /** Passes more time than a presence lasts. */
  readonly passPresence: () => Promise<void>;
}

export const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A batch about one number, with its entry. */
export function batchOf(daemon: string, seq: number, life = "life-1"): JournalBatch {
  const entry: JournalEntry = {
    seq,
    time: new Date(1_700_000_000_000 + seq).toISOString(),
    kind: "log",
    level: "info",
    text: `entry ${seq} of ${daemon}`,
  } as unknown as JournalEntry;
  return { daemon, life, after: seq - 1, upto: seq, lost: 0, entries: [entry], offset_ms: 1.5 };
}

const ODD_NAMES = [
  "node.1",
  "node 2",
  "no*de",
  ">",
  "$JS",
  "nöde-ß",
  "a=b",
  "tab\tand\r\nline",
  "node:6/7",
  "日本",
  "-",
  "{x}",
];

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | null): string | null =>
  value === null ? null : new TextDecoder().decode(value);

/** Resolves as soon as it is so; the test's own limit is the end. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((done) => setTimeout(done, 10));
}

export const failureOf = async (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "none",
    (error: unknown) => (error instanceof EngineError ? error.failure : String(error)),
  );

/** Without a server, there is none that could go away. */
export function conforms(name: string, bench: () => Bench, hasServer = true): void {
  const opened: FleetEngine[] = [];
  const fleet = (): string => `t-${randomUUID()}`;
  const open = async (name: string, more: Partial<EngineOptions> = {}): Promise<FleetEngine> => {
    const engine = await bench().open({ ...more, fleet: name });
    opened.push(engine);
    return engine;
  };
  const read = async (
    engine: FleetEngine,
    from: Parameters<FleetEngine["tail"]>[0]["from"] = null,
  ): Promise<(KeptBatch | null)[]> => {
    const found: (KeptBatch | null)[] = [];
    const signal = new AbortController().signal;
    for await (const batch of engine.tail({ from, follow: false, signal })) found.push(batch);
    return found;
  };
  const numbers = (batches: readonly (KeptBatch | null)[]): number[] =>
    batches.map((batch) => batch?.upto ?? -1);

  afterEach(async () => {
    for (const engine of opened.splice(0)) await engine.close();
  });

  describe(`${name}: the plan`, () => {
    it("has none at first, and its serial is 0", async () => {
      expect(await (await open(fleet())).read()).toEqual({ bytes: null, serial: 0 });
    });

    it("is put where its serial is still the one that was read, for all to read, and is left alone otherwise", async () => {
      const one = await open(fleet());
      const serial = await one.put(bytes("one"), 0);
      expect(serial).toBeGreaterThan(0);
      expect(await failureOf(one.put(bytes("late"), 0))).toBe("conflict");
      expect(await failureOf(one.put(bytes("early"), serial + 1))).toBe("conflict");
      const second = await one.put(bytes("two"), serial);
      expect(second).toBeGreaterThan(serial);
      expect(await failureOf(one.put(bytes("late"), serial))).toBe("conflict");
      const found = await one.read();
      expect([text(found.bytes), found.serial]).toEqual(["two", second]);
    });

    it("is put whatever its serial is, if that is asked for", async () => {
      const one = await open(fleet());
      const first = await one.put(bytes("one"), "any");
      const second = await one.put(bytes("two"), "any");
      expect(second).toBeGreaterThan(first);
      expect((await one.read()).serial).toBe(second);
    });

    it("is what another client acknowledged before", async () => {
      const name = fleet();
      const [one, other] = [await open(name), await open(name)];
      for (let round = 0; round < 20; round++) {
        const serial = await one.put(bytes(`round ${round}`), "any");
        const found = await other.read();
        expect([text(found.bytes), found.serial]).toEqual([`round ${round}`, serial]);
      }
    });

    it("has one winner among many writers of one serial", async () => {
      const name = fleet();
      const engines = await Promise.all(Array.from({ length: 8 }, () => open(name)));
      for (let round = 0; round < 5; round++) {
        const { serial } = await (engines[0] as FleetEngine).read();
        const results = await Promise.allSettled(
          engines.map((engine, at) => engine.put(bytes(`${at}`), serial)),
        );
        const won = results.flatMap((result, at) => (result.status === "fulfilled" ? [at] : []));
        expect(won).toHaveLength(1);
        const found = await (engines[1] as FleetEngine).read();
        expect(text(found.bytes)).toBe(String(won[0]));
        for (const result of results)
          if (result.status === "rejected") expect(result.reason).toMatchObject({ failure: "conflict" });
      }
    });

    it("may be of any bytes, and large", async () => {
      const one = await open(fleet());
      const value = Uint8Array.from({ length: 256 * 1_024 }, (_, at) => at * 7);
      await one.put(value, 0);
      expect(Buffer.from((await one.read()).bytes ?? []).equals(value)).toBe(true);
    });

    it("is another one in another fleet of the same engine", async () => {
      const [one, other] = [await open(fleet()), await open(fleet())];
      await one.put(bytes("one"), 0);
      expect((await other.read()).bytes).toBeNull();
    });
  });

  describe(`${name}: the history`, () => {
    it("has the last 64 plans, newest first, with the engine's time, and texts push none of them out", async () => {
      const one = await open(fleet());
      const serials: number[] = [];
      for (let at = 0; at < 70; at++) {
        serials.push(await one.put(bytes(`plan ${at}`), "any"));
        const body = `text ${at} ${"x".repeat(2_000)}`;
        await one.putText(hashOf(body), bytes(body));
      }
      const all = await one.history(1_000);
      expect(all.map(({ serial }) => serial)).toEqual(serials.slice(-64).reverse());
      expect(all.map((plan) => text(plan.bytes))).toEqual(all.map((_, at) => `plan ${69 - at}`));
      const times = all.map(({ time }) => time);
      expect(times).toEqual([...times].sort((left, right) => right - left));
      expect(Math.abs((times[0] ?? 0) - Date.now())).toBeLessThan(60_000);
      expect((await one.history(3)).map(({ serial }) => serial)).toEqual(serials.slice(-3).reverse());
    });

    it("is empty where nothing was written", async () => {
      expect(await (await open(fleet())).history(10)).toEqual([]);
    });
  });

  describe(`${name}: texts`, () => {
    it("are found by their hash, by all, once they are there", async () => {
      const name = fleet();
      const [one, other] = [await open(name), await open(name)];
      const body = `Grüße ${"y".repeat(500_000)}`;
      expect(await other.text(hashOf(body))).toBeNull();
      await one.putText(hashOf(body), bytes(body));
      await one.putText(hashOf(body), bytes(body));
      expect(text(await other.text(hashOf(body)))).toBe(body);
    });

    it("cannot become others: what is not what its name says is not taken", async () => {
      const one = await open(fleet());
      await one.putText(hashOf("a"), bytes("a"));
      expect(await failureOf(one.putText(hashOf("a"), bytes("b")))).toBe("failed");
      expect(text(await one.text(hashOf("a")))).toBe("a");
    });

    it("stay for as long as a kept plan names them, and do not grow without bound", async () => {
      const one = await open(fleet());
      const hashes: string[] = [];
      for (let at = 0; at < 300; at++) {
        const hash = hashOf(`text ${at}`);
        hashes.push(hash);
        await one.putText(hash, bytes(`text ${at}`));
        await one.put(bytes(JSON.stringify({ text: `sha256:${hash}` })), "any");
      }
      const kept = async (): Promise<boolean[]> =>
        (await Promise.all(hashes.map((hash) => one.text(hash)))).map((found) => found !== null);
      // Nobody waits for what forgets, and one that was under way has not seen the last of them: the next text looks again.
      await until(async () => {
        await one.putText(hashes.at(-1) ?? "", bytes("text 299"));
        return (await kept()).filter(Boolean).length <= 200;
      });
      expect((await kept()).slice(-64)).toEqual(Array.from({ length: 64 }, () => true));
    });
  });

  describe(`${name}: hints`, () => {
    it("come when another one puts a plan, and no more after the end", async () => {
      const name = fleet();
      const [one, other] = [await open(name), await open(name)];
      await other.read();
      const heard: Hint[] = [];
      const after: Hint[] = [];
      const stop = one.onHint((what) => heard.push(what));
      const stopSecond = one.onHint((what) => after.push(what));
      await one.read();
      const plans = (list: readonly Hint[]): number => list.filter((what) => what === "plan").length;
      // The first may be too early for what listens: a hint may be lost.
      await until(async () => {
        await other.put(bytes("one"), "any");
        await one.read();
        return plans(heard) > 0 && plans(after) > 0;
      });
      stopSecond();
      await one.read();
      const [before, silent] = [plans(heard), plans(after)];
      await other.put(bytes("two"), "any");
      await until(() => plans(heard) > before);
      expect(plans(after)).toBe(silent);
      stop();
    });
  });

  describe(`${name}: hints of members`, () => {
    it("come to those who ask for them, and to nobody else", async () => {
      const name = fleet();
      const [one, other] = [await open(name), await open(name)];
      const [asked, unasked]: Hint[][] = [[], []];
      await other.announce(presenceOf("node-1"));
      const stop = one.onHint((what) => asked?.push(what), { members: true });
      one.onHint((what) => unasked?.push(what));
      await one.read();
      await until(async () => {
        await other.announce(presenceOf("node-1"));
        return asked?.includes("members") === true;
      });
      expect(unasked).not.toContain("members");
      stop();
    });
  });

  describe(`${name}: presence`, () => {
    it("is what was announced last, with its age, for all", async () => {
      const name = fleet();
      const [one, other] = [await open(name), await open(name)];
      expect(await other.members()).toEqual([]);
      await one.announce(presenceOf("node-1"));
      await one.announce(
        presenceOf("node-2", { state: "refused", why: 'no proxy "jobs"', serial: 7, hits: 12 }),
      );
      await one.announce(
        presenceOf("node-1", { life: "life-2", state: "applied", ends_at: "2026-01-01T00:00:00.000Z" }),
      );
      const members = [...(await other.members())].sort((left, right) =>
        left.presence.daemon < right.presence.daemon ? -1 : 1,
      );
      expect(members.map(({ presence }) => presence)).toEqual([
        presenceOf("node-1", { life: "life-2", state: "applied", ends_at: "2026-01-01T00:00:00.000Z" }),
        presenceOf("node-2", { state: "refused", why: 'no proxy "jobs"', serial: 7, hits: 12 }),
      ]);
      for (const { age } of members) {
        expect(age).toBeGreaterThanOrEqual(0);
        expect(age).toBeLessThanOrEqual(30_000);
      }
    });

    it("tells the engine's time, which lies between the sending and the answer", async () => {
      const now = (): number => performance.now();
      const one = await open(fleet(), { now });
      for (let round = 0; round < 20; round++) {
        const sent = now();
        const { engine, ...moments } = await one.announce(presenceOf("node-1"));
        expect(moments.sent).toBeGreaterThanOrEqual(sent);
        expect(moments.received).toBeLessThanOrEqual(now());
        expect(moments.received).toBeGreaterThanOrEqual(moments.sent);
        // One machine, one clock: what it may be wrong by is the engine's resolution.
        const [early, late] = [moments.sent, moments.received].map((at) => performance.timeOrigin + at);
        expect(engine).toBeGreaterThan((early ?? 0) - 60);
        expect(engine).toBeLessThan((late ?? 0) + 60);
      }
    });

    it("takes any name, and keeps them apart", async () => {
      const one = await open(fleet(), { client: "a b.*" });
      for (const daemon of ODD_NAMES) await one.announce(presenceOf(daemon));
      expect((await one.members()).map(({ presence }) => presence.daemon).sort()).toEqual(
        [...ODD_NAMES].sort(),
      );
      for (const daemon of ODD_NAMES.slice(1)) await one.leave(daemon, "life-1");
      expect((await one.members()).map(({ presence }) => presence.daemon)).toEqual(ODD_NAMES.slice(0, 1));
    });

    it("ends when the daemon leaves, also one that never came", async () => {
      const one = await open(fleet());
      await one.announce(presenceOf("node-1"));
      await one.leave("node-1", "life-1");
      await one.leave("node-2", "life-1");
      expect(await one.members()).toEqual([]);
      await one.announce(presenceOf("node-1"));
      expect(await one.members()).toHaveLength(1);
    });

    it("tells a life whose place another one has taken what stood there, and a new life nothing of the one before", async () => {
      const name = fleet();
      const [one, other] = [await open(name), await open(name)];
      const mine = presenceOf("node.1");
      const theirs = presenceOf("node.1", { life: "life-2", state: "applied", serial: 7 });
      expect((await one.announce(mine)).over).toBeNull();
      expect((await one.announce(mine)).over).toBeNull();
      expect((await other.announce(theirs)).over).toBeNull();
      const { over } = await one.announce(mine);
      expect(over?.presence).toEqual(theirs);
      expect(over?.age).toBeGreaterThanOrEqual(0);
      expect(over?.age).toBeLessThanOrEqual(30_000);
      expect((await one.announce(mine)).over).toBeNull();
      expect((await other.announce(theirs)).over?.presence).toEqual(mine);
      // Somebody else's name is nothing to either of them.
      expect((await one.announce(presenceOf("node-2"))).over).toBeNull();
    });

    it("stays when another life of that name leaves, and tells of others as it was announced", async () => {
      const name = fleet();
      const [one, other] = [await open(name), await open(name)];
      const { namesakes: _, ...former } = presenceOf("node-1", { why: '"life":"life-1" é' });
      const theirs = presenceOf("node-1", { life: "life-2", namesakes: [{ ...former, age_ms: 12.5 }] });
      await one.announce(presenceOf("node-1"));
      await other.announce(theirs);
      await one.leave("node-1", "life-1");
      expect((await one.members()).map(({ presence }) => presence)).toEqual([theirs]);
      await other.leave("node-1", "life-2");
      expect(await one.members()).toEqual([]);
      expect((await other.announce(theirs)).over).toBeNull();
      expect(await one.members()).toHaveLength(1);
    });

    it("ends by itself when a daemon says nothing any more", async () => {
      const one = await open(fleet());
      await one.announce(presenceOf("node-1"));
      await bench().passPresence();
      await until(async () => (await one.members()).length === 0);
      await one.announce(presenceOf("node-2"));
      expect((await one.members()).map(({ presence }) => presence.daemon)).toEqual(["node-2"]);
    });
  });

  describe(`${name}: the journal`, () => {
    it("is empty where nothing was sent", async () => {
      const one = await open(fleet());
      expect(await read(one)).toEqual([]);
      expect(await read(one, { newest: 10 })).toEqual([]);
    });

    it("has the batches in their order, whole, from the oldest, or from behind a cursor, or the newest", async () => {
      const name = fleet();
      const [one, other] = [await open(name), await open(name)];
      for (let seq = 1; seq <= 40; seq++) await one.append(batchOf(seq % 2 === 0 ? "node.1" : "node 2", seq));
      const all = await read(other);
      expect(numbers(all)).toEqual(Array.from({ length: 40 }, (_, at) => at + 1));
      expect(all[6]).toEqual({ ...batchOf("node 2", 7), cursor: all[6]?.cursor });
      for (const batch of all) expect(batch?.cursor).toMatch(/^[\w.:-]{1,100}$/u);
      expect(numbers(await read(other, all[29]?.cursor ?? ""))).toEqual([
        31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
      ]);
      expect(await read(other, all[39]?.cursor ?? "")).toEqual([]);
      expect(numbers(await read(other, { newest: 3 }))).toEqual([38, 39, 40]);
      expect(numbers(await read(other, { newest: 100 }))).toHaveLength(40);
      expect(await read(other, { newest: 0 })).toEqual([]);
    });

    it("has what was sent twice at least once, and what comes after it", async () => {
      const one = await open(fleet());
      for (const seq of [1, 2, 2, 1, 3]) await one.append(batchOf("node-1", seq));
      expect(new Set(numbers(await read(one)))).toEqual(new Set([1, 2, 3]));
    });

    it("takes another batch that begins with the same number for another one", async () => {
      const one = await open(fleet());
      await one.append(batchOf("node-1", 1));
      await one.append({ ...batchOf("node-1", 1), upto: 5 });
      await one.append(batchOf("node-1", 1, "life-2"));
      const ends = (await read(one)).map((batch) => `${batch?.life ?? ""} ${batch?.upto ?? ""}`);
      expect(ends).toEqual(["life-1 1", "life-1 5", "life-2 1"]);
    });

    it("is followed until the signal says so, without an error", async () => {
      const name = fleet();
      const [one, other] = [await open(name), await open(name)];
      const end = new AbortController();
      const found: number[] = [];
      const following = (async () => {
        for await (const batch of other.tail({ from: null, follow: true, signal: end.signal })) {
          found.push(batch?.upto ?? -1);
          if (found.length >= 5) end.abort();
        }
      })();
      for (let seq = 1; seq <= 5; seq++) {
        await one.append(batchOf("node-1", seq));
        await until(() => found.length === seq);
      }
      await following;
      expect(found).toEqual([1, 2, 3, 4, 5]);
    });

    it("may be left by who follows while nothing comes", async () => {
      const one = await open(fleet());
      const end = new AbortController();
      const following = (async () => {
        for await (const batch of one.tail({ from: null, follow: true, signal: end.signal })) void batch;
      })();
      await one.read();
      end.abort();
      await following;
    });

    it("says of the first batch behind a cursor of another life of it that it was made anew", async () => {
      const name = fleet();
      const one = await open(name);
      for (let seq = 1; seq <= 6; seq++) await one.append(batchOf("node-1", seq));
      const cursor = (await read(one)).at(-1)?.cursor ?? "";
      await bench().loseJournal(name);
      expect(numbers(await read(one, cursor))).toEqual([]);
      for (let seq = 7; seq <= 9; seq++) await one.append(batchOf("node-1", seq));
      const found = await read(one, cursor);
      expect(found.map((batch) => [batch?.upto, batch?.anew])).toEqual([
        [7, true],
        [8, undefined],
        [9, undefined],
      ]);
      expect(numbers(await read(one, "nothing that anybody wrote"))).toEqual([7, 8, 9]);
    });

    it("shows a follower what comes after it was made anew", async () => {
      const name = fleet();
      const one = await open(name);
      for (let seq = 1; seq <= 3; seq++) await one.append(batchOf("node-1", seq));
      const end = new AbortController();
      const found: (KeptBatch | null)[] = [];
      const following = (async () => {
        for await (const batch of one.tail({ from: null, follow: true, signal: end.signal }))
          found.push(batch);
      })();
      await until(() => found.length === 3);
      await bench().loseJournal(name);
      await one.append(batchOf("node-1", 4));
      await until(() => found.length === 4);
      end.abort();
      await following;
      expect(found.map((batch) => [batch?.upto, batch?.anew])).toEqual([
        [1, undefined],
        [2, undefined],
        [3, undefined],
        [4, true],
      ]);
    });
  });

  describe(`${name}: the end`, () => {
    it("refuses all calls as away after it was closed, also those that were under way", async () => {
      const one = await open(fleet());
      await one.read();
      const under = [one.read(), one.members(), one.announce(presenceOf("node-1"))].map(failureOf);
      await one.close();
      for (const failure of await Promise.all(under)) expect(["away", "none"]).toContain(failure);
      expect(one.connected).toBe(false);
      const late = [one.read(), one.put(bytes("x"), "any"), one.append(batchOf("node-1", 1)), one.members()];
      expect(await Promise.all(late.map(failureOf))).toEqual(late.map(() => "away"));
      await one.close();
    });

    it("leaves no socket and no timer", async () => {
      const kinds = (): string =>
        process
          .getActiveResourcesInfo()
          .filter((kind) => /TCP|TLS|GetAddrInfo/u.test(kind))
          .sort()
          .join();
      const before = kinds();
      const name = fleet();
      const one = await open(name);
      one.onHint(() => undefined);
      await one.announce(presenceOf("node-1"));
      const end = new AbortController();
      const following = (async () => {
        for await (const batch of one.tail({ from: null, follow: true, signal: end.signal })) void batch;
      })();
      await one.append(batchOf("node-1", 1));
      expect(kinds().length).toBeGreaterThanOrEqual(before.length);
      end.abort();
      await following;
      await one.close();
      await until(() => kinds() === before);
    });
  });

  if (!hasServer) return;
  describe(`${name}: an outage`, () => {
    it("is told, ends each call as away in its time, and is over when the server is back, with all that was acknowledged", async () => {
      const { outage } = bench();
      if (outage === null) throw new Error("this engine has no server that could be ended");
      const name = fleet();
      const one = await open(name);
      const serial = await one.put(bytes("before"), 0);
      await one.append(batchOf("node-1", 1));
      const heard: Hint[] = [];
      one.onHint((what) => heard.push(what));
      await outage.stop();
      await until(() => heard.includes("disconnected"));
      expect(one.connected).toBe(false);
      const begun = performance.now();
      const calls = [
        one.read(),
        one.put(bytes("x"), serial),
        one.text(hashOf("a")),
        one.announce(presenceOf("node-1")),
        one.members(),
        one.append(batchOf("node-1", 2)),
        read(one),
      ];
      expect(await Promise.all(calls.map(failureOf))).toEqual(calls.map(() => "away"));
      // A call takes five seconds at most; the rest is for a machine that is busy with something else.
      expect(performance.now() - begun).toBeLessThan(9_000);
      await outage.start();
      await until(() => heard.includes("connected"));
      const found = await one.read();
      expect([text(found.bytes), found.serial]).toEqual(["before", serial]);
      await one.append(batchOf("node-1", 2));
      expect(numbers(await read(one))).toEqual([1, 2]);
      const other = await open(name);
      await until(async () => {
        const had = heard.length;
        await other.put(bytes("after"), "any");
        await one.read();
        return heard.slice(had).includes("plan") || heard.at(-1) === "plan";
      });
    });
  });
}
