/** The daemon's parts, each wired to those that it needs. Nothing listens yet, and nothing is in force. */
import { randomInt } from "node:crypto";
import type { AdminFleet } from "../admin/fleet-house.js";
import type { Config } from "../config/config.js";
import { Library } from "../config/library.js";
import { Control } from "../control.js";
import { SystemClock } from "../core/system-clock.js";
import { formatProblem, type Problem } from "../core/errors.js";
import { Ledger } from "../core/ledger.js";
import { FAULT_TYPES } from "../faults/kinds/index.js";
import { HeldBudget } from "../pipeline/budget.js";
import { Overdue, PunctualClock } from "../pipeline/overdue.js";
import { Watch } from "../pipeline/watch.js";
import { Live } from "../live/live.js";
import { LivePlan } from "../plan/live.js";
import { type PlaneContext } from "../proxy/context.js";
import { ConnectionSlots } from "../proxy/slots.js";
import { FlowPlaces } from "../proxy/udp/places.js";
import { Descriptors } from "../proxy/descriptors.js";
import { ProxySet } from "../proxy/proxy-set.js";
import { KernelPlane } from "../proxy/kernel/plane.js";
import { Resolver } from "../proxy/upstream/resolver.js";
import type { StateFile } from "../state/file.js";
import { KeptState } from "../state/kept-state.js";
import { createLog, type Log } from "../telemetry/log.js";
import { Metrics } from "../telemetry/metrics.js";
import { Telemetry } from "../telemetry/telemetry.js";
import type { Door } from "../tls/door.js";
import { version } from "../version.js";
import { authorityDoor, trustOf } from "./authority.js";
import { Files } from "./files.js";
import type { DaemonOptions } from "./options.js";
import { proxyDefaults } from "./specs.js";

export class Parts {
  /** Of faults that no activation gives a seed to. */
  readonly seed: number;
  readonly clock = new SystemClock((error) => {
    this.telemetry.tell({ kind: "mistake", where: "a timer", error });
  });
  readonly types = new Map(FAULT_TYPES.map((type) => [type.type, type]));
  readonly descriptors = Descriptors.ofProcess();
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly kernel: KernelPlane;
  readonly authority: Door;
  readonly context: PlaneContext;
  readonly plan: LivePlan;
  readonly proxySet: ProxySet;
  readonly library: Library;
  readonly files: Files;
  readonly control: Control;
  readonly metrics: Metrics;
  readonly watch = new Watch();
  readonly live: Live;
  readonly state: KeptState | null;
  /** What it has of a fleet; null where it belongs to none, and before that is loaded. */
  fleet: (AdminFleet & { join(): Promise<void>; close(): Promise<void> }) | null = null;
  /** Where the admin API answers; null before it does. */
  adminUrl: string | null = null;
  /** While the library is read behind ports that are open already: those who ask about profiles wait for it. */
  reading: Promise<void> | null = null;
  /** Called when profiles are about to be read from other places than before. */
  follow: () => Promise<void> = () => Promise.resolve();

  /** `file` is where what the API makes is kept, null for nowhere; `warn` is told of profiles that cannot be read. */
  constructor(
    options: DaemonOptions,
    config: Config,
    file: StateFile | null,
    warn: (problem: Problem) => void = (problem) => {
      this.log.warn(formatProblem(problem));
    },
  ) {
    const { clock, types } = this;
    const { log, journal, limits } = config;
    this.seed = config.seed ?? file?.found?.state.seed ?? randomInt(2 ** 32);
    this.log = createLog({ level: log.level, format: log.format, stream: options.logStream, clock });
    this.telemetry = new Telemetry({
      clock,
      log: this.log,
      recording: journal.exchanges === "all",
      journal: {
        keep: journal.keep,
        ...(journal.file === null
          ? {}
          : { file: { path: journal.file, maxBytes: journal.rotate, maxFiles: journal.files } }),
      },
    });
    const facts = this.telemetry;
    const ledger = new Ledger();
    const resolver = new Resolver({ clock });
    this.kernel = new KernelPlane({
      clock,
      facts,
      table: `squall_${options.pid}`,
      path: options.env["PATH"] ?? "",
      resolve: async (name) => (await resolver.resolve(name)).map(({ address }) => address),
      failed: () => {
        this.plan.reconsider();
      },
    });
    this.authority = authorityDoor(config.tls, { clock, facts, log: this.log });
    const overdue = new Overdue(clock);
    this.context = {
      clock: new PunctualClock(clock, overdue),
      overdue,
      facts,
      budget: new HeldBudget(limits.held),
      resolver,
      slots: new ConnectionSlots(Math.min(limits.connections, this.descriptors.connections)),
      flows: new FlowPlaces(Math.min(limits.flows, this.descriptors.flows)),
      keepalive: limits.keepalive,
      kernel: this.kernel,
      authority: this.authority,
      descriptors: this.descriptors,
      watch: this.watch,
    };
    this.plan = new LivePlan({
      clock,
      facts,
      ledger,
      types,
      version,
      admin: () => ({
        admin: this.adminUrl,
        guarded: config.admin.token !== null,
        ca: trustOf(config, this.authority),
      }),
      kernelSettled: () => this.kernel.settled(),
      overdue,
      seed: this.seed,
      seeded: config.seed !== null,
      kernel: () => this.kernel.unavailable(),
    });
    this.proxySet = new ProxySet(this.context, this.plan);
    this.library = new Library(types);
    this.files = new Files(options, config, {
      seed: this.seed,
      types,
      warn,
      inUse: () => this.library.files,
      now: () => this.clock.wallTime(),
    });
    this.control = new Control({
      plan: this.plan,
      proxySet: this.proxySet,
      library: this.library,
      types,
      kernel: () => this.kernel.unavailable(),
      lacks: (need) => this.authority.lacks?.[need] ?? null,
      facts,
      load: () => this.files.desired(() => this.follow()),
      seed: config.seed,
      proxyDefaults: proxyDefaults({ seed: this.seed, limits }),
    });
    this.metrics = new Metrics({
      ledger,
      proxies: () => this.proxySet.list().map(({ proxy }) => proxy),
      activations: () => this.plan.states(),
      profileNames: () => this.library.names(),
      revision: () => this.plan.revision,
      budget: this.context.budget,
      slots: this.context.slots,
      flows: this.context.flows,
      telemetry: this.telemetry,
      version,
      process: options.ownProcess,
      state: () => this.state?.status ?? null,
      authority: () => this.authority.authority,
      ...(config.fleet === null
        ? {}
        : {
            fleet: () =>
              this.fleet === null ? null : { ...this.fleet.view(), journal: this.fleet.shipping() },
          }),
    });
    this.live = new Live({
      clock,
      watch: this.watch,
      proxySet: this.proxySet,
      plan: this.plan,
      telemetry: this.telemetry,
      version,
      run: Math.floor(clock.wallTime()).toString(36),
      startedWall: clock.wallTime(),
      bodiesMax: config.ui.bodies,
    });
    this.state = file === null ? null : this.#keptIn(file, config);
  }

  #keptIn(file: StateFile, { activate }: Config): KeptState {
    if (file.unlocked !== null)
      this.log.warn(`nothing keeps a second daemon from ${file.name}: ${file.unlocked}`);
    const { clock, telemetry: facts, proxySet, plan, library, control, seed } = this;
    const sources = { proxySet, plan, library, control, seed, activate };
    const state = new KeptState({ file, version, clock, facts, sources });
    const touch = (): void => {
      state.touch();
    };
    // What ends by itself is not to be there after a restart either.
    plan.onChange(touch);
    control.changed = touch;
    return state;
  }
}
