/** The state of one daemon over its lives: what was found is put in force again, and what changes from then on is kept. */
import type { Address } from "../config/address.js";
import type { Library } from "../config/library.js";
import type { ProxyDefaults } from "../control.js";
import type { Clock } from "../core/clock.js";
import type { Facts } from "../core/events.js";
import type { AnyFaultType } from "../faults/contract/index.js";
import type { FileProxy } from "../proxy/proxy-set.js";
import { collect, Leftovers, type Sources } from "./collect.js";
import type { StateFile } from "./file.js";
import { nameOf, writeState, type LeftOut, type State } from "./format.js";
import { Keeper, type KeeperStatus } from "./keeper.js";
import {
  restoreActive,
  restoreProfiles,
  restoreProxies,
  type RestoredActive,
  type Start,
} from "./restore.js";

export interface StateStatus extends KeeperStatus {
  readonly file: string;
  /** What could not be restored, and why. */
  readonly unrestored: readonly { readonly what: string; readonly name: string; readonly why: string }[];
}

export class KeptState {
  readonly #file: StateFile;
  readonly #version: string;
  readonly #facts: Facts;
  readonly #sources: Sources;
  readonly #keeper: Keeper;
  readonly #found: State | null;
  #leftOut: LeftOut[] = [];
  #leftovers: Leftovers | null = null;
  #profiles: readonly string[] = [];
  #proxies: readonly string[] = [];
  #active: RestoredActive = { restored: [], over: [], leftOut: [] };

  constructor(parts: {
    readonly file: StateFile;
    readonly version: string;
    readonly clock: Clock;
    readonly facts: Facts;
    readonly sources: Sources;
  }) {
    this.#file = parts.file;
    this.#version = parts.version;
    this.#facts = parts.facts;
    this.#sources = parts.sources;
    this.#found = parts.file.found?.state ?? null;
    this.#keeper = new Keeper({
      file: parts.file,
      found: parts.file.found?.text ?? null,
      clock: parts.clock,
      facts: parts.facts,
      collect: () => this.#text(),
    });
  }

  get status(): StateStatus {
    return { file: this.#file.name, ...this.#keeper.status, unrestored: this.#unrestored.map(shownLeft) };
  }

  /** True once changes are kept no more. */
  get closed(): boolean {
    return this.#keeper.closed;
  }

  // -- the start, in this order -------------------------------------------------------------------

  restoreProfiles(library: Library): void {
    if (this.#found === null) return;
    const { restored, leftOut } = restoreProfiles(this.#found, library);
    this.#profiles = restored;
    this.#leftOut.push(...leftOut);
  }

  restoreProxies(
    files: readonly FileProxy[],
    how: { types: ReadonlyMap<string, AnyFaultType>; defaults: ProxyDefaults; admin: Address },
  ): readonly Start[] {
    if (this.#found === null)
      return files.map((spec) => ({ spec, owner: "file", filed: spec, patient: false }));
    const { starts, names, leftOut } = restoreProxies(this.#found, files, how);
    this.#proxies = names;
    this.#leftOut.push(...leftOut);
    return starts;
  }

  restoreActive(control: Parameters<typeof restoreActive>[2], asConfigured: () => void): void {
    if (this.#found === null) {
      asConfigured();
      return;
    }
    this.#active = restoreActive(this.#found, this.#sources.activate, control, asConfigured);
    this.#leftOut.push(...this.#active.leftOut);
  }

  /** All is in force: says what was restored, and keeps what changes from now on. Resolves when the file is up to date. */
  async open(): Promise<void> {
    const now = collect(this.#sources, []);
    this.#leftovers = new Leftovers(this.#leftOut, now, this.#sources.control);
    const { restored: activations, over } = this.#active;
    if (
      this.#profiles.length + this.#proxies.length + activations.length + over.length + this.#leftOut.length >
      0
    )
      this.#facts.tell({
        kind: "state_restored",
        file: this.#file.name,
        profiles: this.#profiles,
        proxies: this.#proxies,
        activations,
        over,
        left_out: this.#leftOut.map(shownLeft),
      });
    await this.#keeper.open();
  }

  // -- from then on -------------------------------------------------------------------------------

  /** Something may have changed. */
  touch(): void {
    this.#keeper.touch();
  }

  /** Resolves when what is in force now is on disk, or the disk does not want it. */
  saved(): Promise<void> {
    return this.#keeper.saved();
  }

  /** Keeps what is in force now, and nothing later. */
  async close(): Promise<void> {
    await this.#keeper.close();
    await this.#file.close();
  }

  get #unrestored(): readonly LeftOut[] {
    return this.#leftovers?.list ?? this.#leftOut;
  }

  #text(): string {
    const now = collect(this.#sources, []);
    return writeState({ ...now, unrestored: this.#leftovers?.review(now) ?? this.#leftOut }, this.#version);
  }
}

function shownLeft(left: LeftOut): { what: string; name: string; why: string } {
  return { what: left.what, name: nameOf(left), why: left.why };
}
