/**
 * Packet loss by the kernel: puts into nftables what proxies want lost, takes it away again, and books what was dropped.
 *
 * Changes are gathered and applied one after the other, each whole in a transaction; while there is nothing to lose there
 * is neither a table nor a child process. A child that dies takes the rules with it; another takes its place, and if that
 * does not last either, the plan is told to do without.
 */
import type { Clock, Timer } from "../../core/clock.js";
import type { FaultOrigin, Facts } from "../../core/events.js";
import type { KernelLoss } from "../../faults/kernel-loss.js";
import type { Subject } from "../../pipeline/armed.js";
import { Nft, type Counters } from "./nft.js";
import { askKernel, type Permission } from "./permission.js";
import { countersOf, haltCommand, swap, tableCommands, type End, type RuleSource } from "./rules.js";

export type KernelOrigin = Pick<FaultOrigin, "proxy" | "activation" | "profile" | "phase" | "fault" | "type">;

/** A fault that the kernel acts for, on one proxy. */
export interface KernelFault {
  readonly origin: KernelOrigin;
  readonly kernel: KernelLoss | null;
  /** The proxy as its subject: the kernel knows segments, and nothing of whose they are. */
  itself(): Subject;
}

/** Where a fault acts at the moment: names among the upstreams are looked up. */
export interface Wanted {
  readonly fault: KernelFault;
  readonly ends: readonly End[];
}

export interface KernelOptions {
  readonly clock: Clock;
  readonly facts: Facts;
  readonly resolve: (name: string) => Promise<readonly string[]>;
  /** Nothing can be lost any more that could be before. */
  readonly failed: () => void;
  /** Its own, so that several daemons can live in one network namespace. */
  readonly table: string;
  /** Where programs are, as PATH says it. */
  readonly path: string;
  readonly ask?: (table: string, path: string) => Permission;
}

interface Source {
  readonly id: string;
  readonly fault: KernelFault;
  ends: readonly End[];
  /** What has been booked so far, by counter. */
  readonly booked: Map<string, number>;
  readonly itself: Subject;
  seen: number;
  dropped: number;
}

/** How often the totals are read while something is being lost. */
const LOOK_EVERY_MS = 1_000;
/** A child that lives so long may be replaced again. */
const LASTING_MS = 60_000;
const REPLACEMENTS = 3;
const END_MAX_MS = 2_000;

export class KernelPlane {
  readonly #options: KernelOptions;
  readonly #table: string;
  readonly #wanted = new Map<string, readonly Wanted[]>();
  readonly #sources = new Map<KernelFault, Source>();
  #permission: Permission | null = null;
  #broken: { readonly why: string; readonly until: number } | null = null;
  #nft: Nft | null = null;
  #dirty = false;
  #running: Promise<void> | null = null;
  #timer: Timer | null = null;
  /** The rules in force, and the sources that have counters in the table. */
  #text = "";
  readonly #counted = new Set<string>();
  #ids = 0;
  #revision = 0;
  #replaced = 0;
  #replacedAt = -Infinity;

  constructor(options: KernelOptions) {
    this.#options = options;
    this.#table = options.table;
  }

  /** Why the kernel cannot lose anything for us; null if it can. The first time, that takes some milliseconds. */
  unavailable(): string | null {
    if (this.#broken !== null) {
      if (this.#options.clock.now() < this.#broken.until) return this.#broken.why;
      this.#broken = null;
      this.#permission = null;
    }
    this.#permission ??= (this.#options.ask ?? askKernel)(this.#table, this.#options.path);
    return this.#permission.why;
  }

  /** The process that holds the table, while there is one. */
  get pid(): number | undefined {
    return this.#nft?.pid;
  }

  /** What is to be lost on this proxy from now on, in place of what was. */
  want(proxy: string, wanted: readonly Wanted[]): void {
    if (wanted.length === 0 && !this.#wanted.has(proxy)) return;
    if (wanted.length === 0) this.#wanted.delete(proxy);
    else this.#wanted.set(proxy, wanted);
    this.#apply();
  }

  /** Resolves when the kernel does what is wanted. */
  async settled(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async close(): Promise<void> {
    this.#wanted.clear();
    this.#apply();
    await this.settled();
  }

  #apply(): void {
    this.#dirty = true;
    this.#running ??= this.#work().finally(() => {
      this.#running = null;
      if (this.#dirty) this.#apply();
    });
  }

  async #work(): Promise<void> {
    while (this.#dirty) {
      this.#dirty = false;
      this.#timer?.cancel();
      this.#timer = null;
      try {
        if (this.#wanted.size > 0) await this.#bring([...this.#wanted.values()].flat());
        else await this.#leave();
      } catch (error) {
        this.#lost(this.#nft, error instanceof Error ? error.message : String(error));
      }
    }
    if (this.#nft === null) return;
    const { clock } = this.#options;
    this.#timer = clock.at(clock.now() + LOOK_EVERY_MS, () => {
      this.#apply();
    });
  }

  /** Brings the kernel to where it should be, and the books to what it has dropped. */
  async #bring(wanted: readonly Wanted[]): Promise<void> {
    const gone = [...this.#sources.values()].filter(({ fault }) =>
      wanted.every((one) => one.fault !== fault),
    );
    const rules: RuleSource[] = [];
    for (const { fault, ends } of wanted) {
      if (fault.kernel === null) continue;
      const source = this.#sources.get(fault) ?? this.#source(fault);
      source.ends = await this.#addresses(ends, source.ends);
      rules.push({ id: source.id, ends: source.ends, ...fault.kernel });
    }
    const nft = this.#nft ?? (await this.#begin());
    const text = JSON.stringify(rules);
    const changed = text !== this.#text;
    if (changed) this.#text = text;
    const lines = changed ? [swap(this.#table, this.#revision + 1, rules, this.#counted).join("; ")] : [];
    const counters = await nft.run(lines);
    if (changed && !counters.has(`r${++this.#revision}`)) throw new Error("nft has not taken the rules");
    for (const { id } of rules) this.#counted.add(id);
    this.#book(counters);
    if (gone.length === 0) return;
    for (const source of gone) this.#finish(source);
    const left = gone.filter(({ id }) => this.#counted.delete(id));
    await nft.run(
      left.flatMap(({ id }) => countersOf(id)).map((name) => `delete counter inet ${this.#table} ${name}`),
    );
  }

  #source(fault: KernelFault): Source {
    const source = {
      id: `f${++this.#ids}`,
      fault,
      ends: [],
      booked: new Map(),
      itself: fault.itself(),
      seen: 0,
      dropped: 0,
    };
    this.#sources.set(fault, source);
    return source;
  }

  /** The names among them as addresses; those from before where that cannot be found out. */
  async #addresses(ends: readonly End[], before: readonly End[]): Promise<readonly End[]> {
    const found = await Promise.all(
      ends.map(async ({ host, port }) =>
        (await this.#options.resolve(host)).map((address) => ({ host: address, port })),
      ),
    ).catch(() => null);
    return found === null ? before : found.flat();
  }

  async #begin(): Promise<Nft> {
    const nft = new Nft(this.#permission?.nft ?? "nft", this.#table);
    this.#nft = nft;
    this.#text = "";
    this.#counted.clear();
    void nft.ended.then((why) => {
      this.#lost(nft, why);
    });
    await nft.run(tableCommands(this.#table, this.#revision));
    return nft;
  }

  /** Nothing is to be lost any more: the last totals, and away with the table. */
  async #leave(): Promise<void> {
    const nft = this.#nft;
    if (nft !== null) {
      const counters = await nft.run([haltCommand(this.#table)]).catch(() => null);
      if (counters !== null) this.#book(counters);
      this.#nft = null;
      await this.#end(nft);
    }
    for (const source of [...this.#sources.values()]) this.#finish(source);
  }

  async #end(nft: Nft): Promise<void> {
    nft.end();
    const late = setTimeout(() => {
      nft.kill();
    }, END_MAX_MS);
    await nft.ended;
    clearTimeout(late);
  }

  #book(counters: Counters): void {
    for (const source of this.#sources.values()) {
      for (const name of countersOf(source.id)) {
        const now = counters.get(name) ?? 0;
        const more = now - (source.booked.get(name) ?? 0);
        if (more <= 0) continue;
        source.booked.set(name, now);
        if (name.includes("_seen_")) source.seen += more;
        else {
          source.dropped += more;
          source.itself.count("dropped", more);
        }
      }
    }
  }

  #finish(source: Source): void {
    this.#sources.delete(source.fault);
    const { seen, dropped, fault, itself } = source;
    itself.finished();
    this.#options.facts.tell({ kind: "kernel_loss_ended", ...fault.origin, segments: seen, dropped });
  }

  /** The child is gone or of no use, and the rules with it. */
  #lost(nft: Nft | null, why: string): void {
    if (nft !== this.#nft) return;
    const { clock, facts, failed } = this.#options;
    nft?.kill();
    this.#nft = null;
    for (const source of this.#sources.values()) source.booked.clear();
    const now = clock.now();
    if (now - this.#replacedAt > LASTING_MS) this.#replaced = 0;
    this.#replacedAt = now;
    const again = ++this.#replaced <= REPLACEMENTS;
    facts.tell({ kind: "kernel_loss_failed", why, again });
    if (again) {
      this.#apply();
      return;
    }
    this.#broken = { why, until: now + LASTING_MS };
    this.#wanted.clear();
    for (const source of [...this.#sources.values()]) this.#finish(source);
    failed();
  }
}
