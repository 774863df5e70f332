/**
 * Many daemons that write, send and are cut off, on one virtual clock, with wall clocks of their own that are wrong by up to an hour; and
 * one reader that follows. What it was shown is held against what was written.
 */
import { expect } from "vitest";
import { VirtualClock, type Clock } from "../../../src/core/clock.js";
import type { Random } from "../../../src/core/random.js";
import { EngineError } from "../../../src/fleet/contract/engine.js";
import { CURSOR_START, type FleetLine, type JournalBatch } from "../../../src/fleet/contract/journal.js";
import { HOLD, MergedJournal } from "../../../src/fleet/journal/merged.js";
import { Shipper } from "../../../src/fleet/journal/shipper.js";
import { record } from "../../../src/telemetry/entry.js";
import { Journal } from "../../../src/telemetry/journal.js";
import { randomOf } from "../../support/scripted-traffic.js";
import { NOON } from "../../telemetry/samples.js";
import { KeptStream } from "./kept-stream.js";

export interface ManyOptions {
  readonly seed: number;
  readonly daemons: number;
  /** Of all daemons together. */
  readonly entries: number;
  /** A second, of each daemon. */
  readonly rate: number;
  /** Whether links break, answers get lost and daemons are started anew. */
  readonly cuts: boolean;
}

export interface ManySeen {
  readonly written: number;
  readonly shown: number;
  readonly doubles: number;
  readonly late: number;
  /** Numbers in gaps, by why. */
  readonly missing: Readonly<Record<string, number>>;
  /** Numbers of a life that were neither shown nor named, and which its daemon could not send before it ended. */
  readonly unsaid: number;
  /** How far in time two lines were the wrong way round, at worst, in milliseconds. */
  readonly disorder: number;
  readonly notices: readonly string[];
}

/** The estimate of the engine's clock is wrong by so much at worst, in milliseconds. */
export const OFFSET_ERROR = 20;
const STEP = 10;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A daemon's way to the engine: late, cut, or losing answers. */
class Link {
  connected = true;
  readonly #clock: Clock;
  readonly #stream: KeptStream;
  readonly #random: Random;
  readonly #lossy: boolean;
  #hear: (what: "connected" | "disconnected") => void = () => undefined;

  constructor(clock: Clock, stream: KeptStream, random: Random, lossy: boolean) {
    this.#clock = clock;
    this.#stream = stream;
    this.#random = random;
    this.#lossy = lossy;
  }

  append(batch: JournalBatch): Promise<void> {
    const loses = this.#lossy && this.#random.chance(0.02);
    return new Promise((resolve, reject) => {
      const away = (): void => {
        reject(new EngineError("away", "nobody answers"));
      };
      if (!this.connected) {
        away();
        return;
      }
      this.#clock.at(this.#clock.now() + this.#random.between(1, 200), () => {
        if (!this.connected) away();
        else if (loses)
          void this.#stream.append(batch).then(() => this.#clock.at(this.#clock.now() + 5_000, away), reject);
        else void this.#stream.append(batch).then(resolve, reject);
      });
    });
  }

  onHint(hear: (what: "connected" | "disconnected" | "plan" | "members") => void): () => void {
    this.#hear = hear;
    return () => undefined;
  }

  cut(millis: number): void {
    this.connected = false;
    this.#hear("disconnected");
    this.#clock.at(this.#clock.now() + millis, () => {
      this.connected = true;
      this.#hear("connected");
    });
  }
}

/** One daemon, over all its lives. */
class Daemon {
  readonly name: string;
  readonly link: Link;
  readonly #clock: Clock;
  readonly #skew: number;
  readonly #error: number;
  readonly #keep: number;
  life = 0;
  journal: Journal;
  shipper: Shipper;
  /** How many each life has written, and how many it has given up or had not sent when it ended. */
  readonly lives: { written: number; lost: number; unsent: number }[] = [];

  constructor(name: string, clock: Clock, link: Link, random: Random) {
    this.name = name;
    this.link = link;
    this.#clock = clock;
    this.#skew = Math.round(random.between(-3_600_000, 3_600_000));
    this.#error = random.between(-OFFSET_ERROR, OFFSET_ERROR);
    this.#keep = random.chance(0.5) ? 10_000 : 500;
    [this.journal, this.shipper] = this.#begin();
  }

  write(): void {
    this.journal.add(record({ kind: "mark", text: String(this.#clock.now()) }));
  }

  end(): void {
    const { lost } = this.shipper.view;
    const { lastSeq } = this.journal;
    this.lives.push({ written: lastSeq, lost, unsent: lastSeq - this.shipper.view.upto });
  }

  restart(): void {
    void this.shipper.close(0);
    this.end();
    this.life++;
    [this.journal, this.shipper] = this.#begin();
  }

  #begin(): [Journal, Shipper] {
    const clock = this.#clock;
    const own: Clock = {
      now: () => clock.now(),
      wallTime: () => clock.wallTime() + this.#skew,
      at: (when, run) => clock.at(when, run),
      exactly: (when, run) => clock.exactly(when, run),
    };
    const journal = new Journal({ clock: own, keep: this.#keep });
    const shipper = new Shipper({
      journal,
      clock: own,
      engine: this.link,
      daemon: this.name,
      life: String(this.life),
      which: "hits",
      offset: () => this.#error - this.#skew,
      jitter: () => 0.5,
      log: () => undefined,
    });
    return [journal, shipper];
  }
}

/** Runs it to its end, holds the reader's books against the writers', and says what was seen. */
export async function readMany({
  seed,
  daemons: count,
  entries,
  rate,
  cuts,
}: ManyOptions): Promise<ManySeen> {
  const clock = new VirtualClock(NOON);
  const random = randomOf(seed, "fleet journal");
  const stream = new KeptStream();
  const daemons = Array.from(
    { length: count },
    (_, n) => new Daemon(`node-${n}`, clock, new Link(clock, stream, random, cuts), random),
  );
  const lines: FleetLine[] = [];
  const stop = new AbortController();
  const reading = (async () => {
    const journal = new MergedJournal({ engine: stream, clock, engineNow: () => clock.wallTime() });
    for await (const { line } of journal.follow({}, CURSOR_START, stop.signal)) lines.push(line);
  })();
  const steps = Math.ceil(entries / (count * rate * (STEP / 1_000)));
  let written = 0;
  for (let step = 0; step < steps; step++) {
    for (const daemon of daemons) {
      const due = Math.floor(((step + 1) * rate * STEP) / 1_000) - Math.floor((step * rate * STEP) / 1_000);
      for (let n = 0; n < due && written < entries; n++, written++) daemon.write();
      if (cuts && random.chance(0.0003)) daemon.link.cut(random.between(500, 20_000));
      if (cuts && random.chance(0.0001)) daemon.restart();
    }
    if (cuts && random.chance(0.0005)) {
      stream.cut();
      clock.at(clock.now() + random.between(500, 10_000), () => {
        stream.mend();
      });
    }
    clock.advance(STEP);
    await turn();
  }
  // All is well again, and what waits arrives.
  for (let rest = 0; rest < 600_000 && (rest < 60_000 || daemons.some(isBehind)); rest += 100) {
    clock.advance(100);
    await turn();
  }
  for (let rest = 0; rest <= 4 * HOLD; rest += 100) {
    clock.advance(100);
    await turn();
  }
  for (const daemon of daemons) daemon.end();
  stop.abort();
  await reading;
  return check(daemons, lines, written);
}

const isBehind = ({ shipper, journal }: Daemon): boolean => shipper.view.upto < journal.lastSeq;

function check(daemons: readonly Daemon[], lines: readonly FleetLine[], written: number): ManySeen {
  const missing: Record<string, number> = {};
  const notices: string[] = [];
  let shown = 0;
  let doubles = 0;
  let late = 0;
  let disorder = 0;
  let newest = -Infinity;
  const next = new Map<string, number>();
  for (const line of lines) {
    if (!("daemon" in line)) {
      notices.push(line.kind);
      continue;
    }
    const life = `${line.daemon}/${line.life}`;
    const [from, to] = line.kind === "gap" ? [line.from, line.to] : [line.seq, line.seq];
    const due = next.get(life) ?? 1;
    if (from < due) doubles++;
    expect(from, `${life}: no number is left out in secret`).toBeLessThanOrEqual(due);
    next.set(life, Math.max(due, to + 1));
    if (line.late === true) late++;
    if (line.kind === "gap") missing[line.why] = (missing[line.why] ?? 0) + to - from + 1;
    else {
      shown++;
      const time = Number(line.kind === "mark" ? line.text : NaN);
      if (line.late !== true) {
        disorder = Math.max(disorder, newest - time);
        newest = Math.max(newest, time);
      }
    }
  }
  let unsaid = 0;
  let unsent = 0;
  let lost = 0;
  for (const { name, lives } of daemons)
    for (const [life, one] of lives.entries()) {
      const named = (next.get(`${name}/${life}`) ?? 1) - 1;
      // What a daemon had not sent when it ended is lost with it, and it cannot say so.
      expect(one.written - named, `${name}/${life}`).toBeLessThanOrEqual(one.unsent);
      unsaid += one.written - named;
      unsent += one.unsent;
      lost += one.lost;
    }
  expect(shown + Object.values(missing).reduce((sum, one) => sum + one, 0) + unsaid).toBe(written);
  expect(unsaid).toBeLessThanOrEqual(unsent);
  expect(missing["dropped"] ?? 0).toBeLessThanOrEqual(lost);
  return { written, shown, doubles, late, missing, unsaid, disorder, notices };
}
