/**
 * What a daemon of a fleet has besides: the engine, the member that it is, who may switch the others, and what sends its journal. Only a
 * daemon whose squall.yaml has `fleet` loads this file, and all that it needs.
 */
import { randomBytes, randomInt } from "node:crypto";
import { rootCertificates } from "node:tls";
import type { AdminFleet, FleetRequest, FleetSwitched, HealRequest } from "../admin/fleet-house.js";
import type { FleetConfig } from "../config/fleet.js";
import { SquallError } from "../core/errors.js";
import { Controller } from "../fleet/controller/controller.js";
import { EngineError, type FleetEngine } from "../fleet/contract/engine.js";
import type { FleetJournal, ShippingView } from "../fleet/contract/journal.js";
import type { MemberView } from "../fleet/contract/member.js";
import type { Heard } from "../fleet/contract/presence.js";
import { openEngine } from "../fleet/engines/open.js";
import { DaemonGround } from "../fleet/ground.js";
import { MergedJournal } from "../fleet/journal/merged.js";
import { Shipper } from "../fleet/journal/shipper.js";
import { namesakeWarnings } from "../fleet/contract/lives.js";
import { Member } from "../fleet/member/member.js";
import { numberedFaults, roamersIn, roamingWarnings } from "../fleet/roaming.js";
import { textOfProfile } from "../fleet/text-format.js";
import { compileProfile } from "../plan/compile.js";
import type { CompiledProfile } from "../plan/value.js";
import { version } from "../version.js";
import type { Parts } from "./parts.js";

/** How long a daemon that stops may take to say so, and to send the rest of its journal. */
const LEAVE_MS = 1_000;
/** In how many of the newest entries bots are looked for that come by several daemons, and for how long. */
const LOOKED_AT = 1_000;
const LOOK_MS = 1_000;

type FleetParts = Pick<Parts, "clock" | "log" | "telemetry" | "control" | "types" | "library" | "authority">;

export class Fleet implements AdminFleet {
  readonly name: string;
  readonly daemon: string;
  readonly control: boolean;
  readonly passToken: boolean;
  readonly journal: FleetJournal;
  readonly #parts: FleetParts;
  readonly #engine: FleetEngine;
  readonly #member: Member;
  readonly #controller: Controller;
  readonly #shipper: Shipper | null;
  readonly #leaving = new AbortController();
  #closing: Promise<void> | null = null;

  private constructor(parts: FleetParts, config: FleetConfig, engine: FleetEngine) {
    const { clock, telemetry, control, types, log } = parts;
    const { name, daemon, labels, accept, maxTtl, poll, journal } = config;
    const life = randomBytes(6).toString("hex");
    this.name = name;
    this.daemon = daemon;
    this.control = config.control;
    this.passToken = config.passToken;
    this.#parts = parts;
    this.#engine = engine;
    this.#member = new Member({
      engine,
      clock,
      ground: new DaemonGround({ control: control.fleet, types }),
      facts: telemetry,
      name: daemon,
      life,
      version,
      labels,
      admin: () => config.admin,
      accept,
      maxTtl,
      poll,
      journalSeq: () => this.#shipper?.view.upto ?? 0,
    });
    this.journal = new MergedJournal({ engine, clock, engineNow: () => this.engineTime() });
    this.#controller = new Controller({ engine, clock, engineTime: () => this.engineTime(), maxTtl });
    this.#shipper =
      journal === "none"
        ? null
        : new Shipper({
            journal: telemetry.journal,
            clock,
            engine,
            daemon,
            life,
            which: journal,
            offset: () => this.#member.view().presence.offset_ms,
            jitter: () => randomInt(2 ** 32) / 2 ** 32,
            log: (text) => {
              log.warn(text);
            },
          });
  }

  /** Connects by and by. Rejects with SQ_INVALID_CONFIG where there never will be an engine. */
  static async open(parts: FleetParts, config: FleetConfig): Promise<Fleet> {
    const { clock, log } = parts;
    const engine = await openEngine({
      fleet: config.name,
      urls: config.engine,
      client: config.daemon,
      credentials: config.credentials,
      tls: config.tls,
      replicas: config.replicas,
      now: () => clock.now(),
      wallTime: () => clock.wallTime(),
      log: (text) => {
        log.info(text);
      },
    });
    return new Fleet(parts, config, engine);
  }

  /** Resolves when the daemon is under the fleet's plan, has waited long enough for an engine, or leaves. */
  async join(): Promise<void> {
    const { signal } = this.#leaving;
    if (signal.aborted) return;
    this.#member.start();
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!this.view().joined && !signal.aborted) return;
        stop();
        resolve();
      };
      const stop = this.#member.onChange(look);
      signal.addEventListener("abort", look);
      look();
    });
    if (signal.aborted) return;
    const { connected, problem, presence } = this.view();
    const { log } = this.#parts;
    if (connected) log.info(`in the fleet ${this.name} as ${this.daemon}`, { plan: presence.serial });
    else
      log.warn(
        `alone: the engine of the fleet ${this.name}, ${this.engine}, does not answer (${problem ?? "no answer so far"})`,
        { hint: "this daemon serves without the fleet, and joins it when its engine answers" },
      );
  }

  /** Ends what the fleet has on here, and says that this daemon leaves; within a second, whatever the engine does. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#leaving.abort();
    const { clock } = this.#parts;
    const left = Promise.all([this.#member.close(), this.#shipper?.close(LEAVE_MS)]);
    await new Promise<void>((resolve) => {
      const late = clock.at(clock.now() + LEAVE_MS, resolve);
      void left.finally(() => {
        late.cancel();
        resolve();
      });
    });
    await this.#engine.close();
  }

  // -- what the admin API asks -----------------------------------------------------------------------

  get engine(): string {
    return this.#engine.name;
  }

  view(): MemberView {
    return this.#member.view();
  }

  engineTime(): number | null {
    return this.#member.time.engineTime(this.#parts.clock.now());
  }

  shipping(): ShippingView {
    return this.#shipper?.view ?? { state: "off", upto: 0, unsent: 0, lost: 0, problem: null };
  }

  trusted(): readonly string[] {
    const { authority } = this.#parts.authority;
    return authority === null ? rootCertificates : [...rootCertificates, authority.ca];
  }

  members(): Promise<readonly Heard[]> {
    return this.#controller.members();
  }

  async activate(request: FleetRequest): Promise<FleetSwitched> {
    const { library, types } = this.#parts;
    // What would be refused everywhere is refused here, before anything is written.
    const profiles = request.activations.map((wish, index) =>
      about(request.activations.length > 1 ? `activations[${index}]` : null, () =>
        compileProfile(wish.profile, library, wish.params, types),
      ),
    );
    const activations = request.activations.map((wish) => ({
      ...wish,
      text: textOfProfile(wish.profile, library),
    }));
    const [outcome, warnings] = await Promise.all([
      this.#controller.activate({ ...request, activations }),
      this.#roaming(profiles),
    ]);
    return { ...outcome, warnings: [...namesakeWarnings(outcome.daemons), ...warnings] };
  }

  /** What is not known in time is not warned of. */
  async #roaming(profiles: readonly CompiledProfile[]): Promise<readonly string[]> {
    const faults = numberedFaults(profiles);
    if (faults.size === 0) return [];
    const { clock } = this.#parts;
    const late = new AbortController();
    const timer = clock.at(clock.now() + LOOK_MS, () => {
      late.abort();
    });
    try {
      const { entries } = await this.journal.entries({}, LOOKED_AT, late.signal);
      return roamingWarnings(faults, roamersIn(entries));
    } catch (error) {
      if (error instanceof EngineError) return [];
      throw error;
    } finally {
      timer.cancel();
    }
  }

  async heal(request: HealRequest): Promise<FleetSwitched> {
    const outcome = await this.#controller.heal(request);
    return { ...outcome, warnings: namesakeWarnings(outcome.daemons) };
  }
}

/** Says which of several it is about. */
function about<T>(path: string | null, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (path === null || !(error instanceof SquallError)) throw error;
    throw new SquallError(error.code, `${path}: ${error.message}`, {
      path,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      ...(error.details === undefined ? {} : { details: error.details }),
      cause: error,
    });
  }
}
