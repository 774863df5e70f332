/** The composition root: wires everything, and starts, reloads and stops it in order. */
import type { Admin } from "./admin/server.js";
import { readConfig, type Config, type ReadConfig } from "./config/config.js";
import { withKin } from "./config/kin.js";
import { Library } from "./config/library.js";
import type { ProfileFile } from "./config/read-profiles.js";
import { Watch } from "./config/watch.js";
import type { Control } from "./control.js";
import { isPopulateFile } from "./admin/toxiproxy/populate-file.js";
import { SquallError } from "./core/errors.js";
import { namingProxy } from "./proxy/naming-proxy.js";
import { openAdminPort } from "./daemon/admin-port.js";
import {
  checkCallers,
  checkConditions,
  checkContainer,
  checkDescriptors,
  checkLibrary,
  surroundings,
} from "./daemon/checks.js";
import { dateWarnings } from "./daemon/certificate-dates.js";
import { checkKeyLog, needsAuthority } from "./daemon/authority.js";
import { readIn, type DaemonOptions } from "./daemon/options.js";
import { Parts } from "./daemon/parts.js";
import { proxyDefaults, specFrom } from "./daemon/specs.js";
import { activationsOf, checkActivations, located } from "./daemon/start-checks.js";
import type { Proxy, Unattended } from "./proxy/spec.js";
import { StateFile } from "./state/file.js";
import type { Start } from "./state/restore.js";
import type { Telemetry } from "./telemetry/telemetry.js";
import { version } from "./version.js";

export type { DaemonOptions } from "./daemon/options.js";

export interface StopOptions {
  /** Who wants it, for the log. */
  readonly why?: string;
  /** Milliseconds for connections to finish; the configured limit if not given. */
  readonly drain?: number;
}

export interface Traffic {
  /** Client connections that are open now. Flows of udp proxies are not counted: they end by silence alone. */
  readonly open: number;
  /** Connections and flows that there were since the start. */
  readonly begun: number;
  /** Bytes that came in from either side since the start. */
  readonly bytes: number;
  /** What goes on without any client: copies that faults have still to send, and answers that nobody waits for. */
  readonly unattended: Unattended;
}

export interface Daemon {
  readonly adminUrl: string;
  readonly control: Control;
  readonly telemetry: Telemetry;
  /** Adds a proxy of the API's, with the settings that one has in squall.yaml, and resolves when it listens. */
  addProxy(name: string, settings: Readonly<Record<string, unknown>>): Promise<void>;
  /** Resolves when no proxy is about to open its port any more. */
  settled(): Promise<void>;
  /** What goes through all proxies, as plain sums: cheap enough to be asked for many times a second. */
  traffic(): Traffic;
  /** Forgets all UDP flows, which do not say when they are over: for whoever knows that their clients have gone. */
  endFlows(): void;
  metricsText(): Promise<string>;
  /** What bots must trust, as PEM: the CA's certificate alone, and with the usual roots. Throws SQ_INVALID_CA. */
  trust(): Promise<{ readonly ca: string; readonly bundle: string }>;
  reload(why: string): Promise<void>;
  stop(options?: StopOptions): Promise<void>;
}

/** Starts everything, or throws and leaves nothing behind. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const read = readIn(options.text, options);
  const { state: file } = read.config;
  const { pid } = options;
  const state = file === null ? null : await StateFile.open({ file, pid, version });
  let daemon: RunningDaemon | null = null;
  try {
    daemon = new RunningDaemon(options, read, state);
    await daemon.start();
    return daemon;
  } catch (error) {
    await daemon?.abandon();
    await state?.close();
    throw error;
  }
}

/** So many files of profiles are checked before the ports open and once more behind them; to read more of them twice would take longer. */
const QUICKLY_CHECKED = 40;

class RunningDaemon implements Daemon {
  readonly control: Control;
  readonly telemetry: Telemetry;
  readonly #options: DaemonOptions;
  readonly #read: ReadConfig;
  readonly #config: Config;
  readonly #parts: Parts;
  #admin: Admin | null = null;
  #watch: Watch | null = null;
  #stopping: Promise<void> | null = null;
  #listening: () => void = () => undefined;

  constructor(options: DaemonOptions, read: ReadConfig, state: StateFile | null) {
    const { config } = read;
    this.#read = read;
    this.#options = options;
    this.#config = config;
    this.#parts = new Parts(options, config, state);
    this.control = this.#parts.control;
    this.telemetry = this.#parts.telemetry;
  }

  get adminUrl(): string {
    return this.#admin?.url ?? "";
  }

  // -- the start ----------------------------------------------------------------------------------

  async start(): Promise<void> {
    const { files, library, state, proxySet, log, seed, descriptors } = this.#parts;
    if (this.#config.watch) await this.#beginWatch();
    const nothingOn = state === null && this.#config.activate.length === 0;
    const named = nothingOn && !files.harmless ? await files.profiles() : null;
    if (nothingOn && (named === null || this.#areRight(named))) {
      this.#parts.reading = this.#readLater(named);
      // Where the start fails before, nobody waits for it any more.
      this.#parts.reading.catch(() => undefined);
    } else library.replaceFiles(named ?? (await files.profiles()));
    state?.restoreProfiles(library);
    await this.#openFleet();
    // The admin port first: if another daemon has it, nothing else is touched.
    this.control.starting = true;
    this.#admin = await openAdminPort(this.#parts, this.#config, this.#options);
    this.#parts.adminUrl = this.#admin.url;
    await this.#openAuthority();
    const prepared = this.#located(() => this.#prepare());
    const started = prepared.filter(([{ spec }]) => spec.enabled !== false);
    if (state === null) this.#activate();
    else state.restoreActive(this.control, () => this.#activate());
    // Before anybody is accepted, as far as it goes: a proxy does not wait for an engine that is away.
    const joined = this.#parts.fleet?.join();
    for (const [{ patient }, proxy] of started) {
      if (!patient) await proxy.start().catch((error: unknown) => this.#couldNotListen(proxy.name, error));
    }
    // Behind those of the file, whose addresses are theirs; somebody may have deleted one by now.
    for (const [{ patient }, proxy] of started) {
      if (patient && proxySet.list().some((member) => member.proxy === proxy)) await proxy.insist();
    }
    this.#listening();
    await this.#parts.reading;
    this.control.starting = false;
    await state?.open();
    // Who is to stop need not have joined.
    const { unwanted } = this.#options;
    await (unwanted === undefined ? joined : Promise.race([joined, unwanted]));
    await this.#watch?.start();
    // Its text was read before anybody watched.
    if (this.#config.watch && files.edited()) void this.reload("a file changed while the daemon started");
    log.info(`squall ${version} is ready`, {
      admin: this.adminUrl,
      seed,
      proxies: started.length,
      profiles: library.names().length,
    });
    checkLibrary(library, log);
    const proxies = proxySet.list().map((member) => member.proxy);
    checkConditions(this.#parts.plan, proxies, this.#parts.types, log);
    for (const { message } of dateWarnings(this.#config, this.#parts.clock.wallTime())) log.warn(message);
    checkDescriptors(this.#config, descriptors, log);
    checkCallers(this.#config, log);
    checkKeyLog(this.#config.tls, log);
    checkContainer(this.#config, surroundings(this.#options.env), log);
  }

  /** Whether nothing about them can refuse the start, by what is quickly seen. If not, all are read before anything else, and tell why. */
  #areRight(files: readonly ProfileFile[]): boolean {
    if (files.filter(({ origin }) => origin !== "library").length > QUICKLY_CHECKED) return false;
    const few = withKin(files);
    try {
      new Library(this.#parts.types).replaceFiles(few);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * The profiles that come with Squall take longer to read than everything else does, and nobody at the ports needs them: where those
   * that are named are right, they are read when the ports are open, and by and by.
   */
  async #readLater(named: readonly ProfileFile[] | null): Promise<void> {
    const { files, library } = this.#parts;
    const listening = new Promise<void>((resolve) => {
      this.#listening = resolve;
    });
    const [texts] = await Promise.all([named ?? files.profiles(), listening]);
    const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    await library.replaceFilesSlowly(texts, pause);
    this.#parts.reading = null;
  }

  /** Loaded by those who have one, and by nobody else. */
  async #openFleet(): Promise<void> {
    const { fleet } = this.#config;
    if (fleet === null) return;
    const { Fleet } = await import("./daemon/fleet.js");
    try {
      this.#parts.fleet = await Fleet.open(this.#parts, fleet);
    } catch (error) {
      if (!(error instanceof SquallError)) throw error;
      const path = error.path ?? "fleet";
      throw this.#read.error(path.split("."), error.message.replace(`${path}: `, ""), error.hint);
    }
  }

  /** Where bots need it: they find its certificate, and the first handshake does not wait for it. What is wrong refuses the start. */
  async #openAuthority(): Promise<void> {
    if (!needsAuthority(this.#config)) return;
    try {
      await this.#parts.authority.open();
    } catch (error) {
      if (!(error instanceof SquallError)) throw error;
      throw this.#read.error(["tls", "ca"], error.message, error.hint);
    }
    const why = this.#parts.authority.lacks?.verdicts ?? null;
    const asking = this.#config.proxies.find(
      ({ secure, enabled }) => enabled && (secure?.clients ?? null) !== null,
    );
    if (why !== null && asking !== undefined)
      throw this.#read.error(["proxies", asking.name, "secure", "clients"], why);
  }

  /** All that is to listen, known to the plan. Between this and what is activated no request can come in. */
  #prepare(): (readonly [Start, Proxy])[] {
    const { files, proxySet, state, types } = this.#parts;
    const { limits, admin } = this.#config;
    const filed = files.proxies();
    proxySet.filed = new Map(filed.map((file) => [file.name, file]));
    const starts =
      state?.restoreProxies(filed, {
        types,
        defaults: proxyDefaults({ seed: this.#parts.seed, limits }),
        admin: admin.listen,
      }) ?? filed.map((spec): Start => ({ spec, owner: "file", patient: false }));
    return starts.map((start) => [start, proxySet.prepare(start.spec, start.owner, start.filed)] as const);
  }

  /** In force before the first bot is accepted. */
  #activate(): void {
    const inputs = activationsOf(this.#read);
    if (inputs.length === 0) return;
    checkActivations(this.#read, this.control);
    this.control.activate(inputs, "replace");
    this.control.activeOwner = "file";
  }

  /** An address alone does not say whose it is, nor where it was written. */
  #couldNotListen(name: string, error: unknown): never {
    const failed = namingProxy(name, error);
    const { text, file } = this.#options;
    const setting =
      text !== undefined && isPopulateFile(text)
        ? `its "listen" in ${file ?? "the list"}`
        : `proxies.${name}.listen`;
    const hint = `${failed.hint === undefined ? "" : `${failed.hint}; `}${setting} says where`;
    throw new SquallError(failed.code, failed.message, { hint, cause: error });
  }

  #located<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw located(this.#read, error);
    }
  }

  /** Before the files are read: an edit while the daemon starts is an edit. */
  async #beginWatch(): Promise<void> {
    const { files, clock } = this.#parts;
    this.#watch = new Watch(() => files.watched(), {
      clock,
      changed: () => {
        void this.reload("a file changed");
      },
    });
    this.#parts.follow = () => this.#watch?.note() ?? Promise.resolve();
    await this.#watch.note();
  }

  // -- while it runs ------------------------------------------------------------------------------

  async addProxy(name: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
    const text = JSON.stringify({ proxies: { [name]: settings } });
    const [proxy] = readConfig({ text, file: "settings", folder: this.#options.cwd }).config.proxies;
    if (proxy === undefined) return;
    const spec = specFrom(proxy, { seed: this.#parts.seed, limits: this.#config.limits });
    // Whoever calls this in its next life makes the proxy again.
    await this.control.addProxy(spec, proxy.enabled, { passing: true });
  }

  settled(): Promise<void> {
    const { proxySet } = this.#parts;
    if (proxySet.ready) return Promise.resolve();
    return new Promise((resolve) => {
      const subscription = this.telemetry.stream.subscribe(() => {
        if (!proxySet.ready) return;
        subscription.close();
        resolve();
      });
    });
  }

  traffic(): Traffic {
    const unattended = { copies: 0, open: 0 };
    const sum = { open: 0, begun: 0, bytes: 0, unattended };
    for (const { proxy } of this.#parts.proxySet.list()) {
      const { connectionsActive, connectionsTotal, bytesIn } = proxy.stats;
      if (proxy.protocol !== "udp") sum.open += connectionsActive;
      sum.begun += connectionsTotal;
      sum.bytes += bytesIn.upstream + bytesIn.downstream;
      unattended.copies += proxy.unattended?.copies ?? 0;
      unattended.open += proxy.unattended?.open ?? 0;
    }
    return sum;
  }

  endFlows(): void {
    for (const { proxy } of this.#parts.proxySet.list()) proxy.endFlows?.();
  }

  metricsText(): Promise<string> {
    return this.#parts.metrics.text();
  }

  async trust(): Promise<{ readonly ca: string; readonly bundle: string }> {
    const { ca, bundle } = await this.#parts.authority.trusted();
    return { ca, bundle };
  }

  /** What goes wrong is in the journal and the log; the old plan keeps running. */
  async reload(why: string): Promise<void> {
    this.#parts.log.debug(`reloading: ${why}`);
    try {
      await this.control.reload();
      await this.#parts.state?.saved();
    } catch (error) {
      if (!(error instanceof SquallError)) this.telemetry.tell({ kind: "mistake", where: "reload", error });
    }
  }

  // -- the end ------------------------------------------------------------------------------------

  stop(options: StopOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(options);
    return this.#stopping;
  }

  async #stop({ why, drain = this.#config.limits.drain }: StopOptions): Promise<void> {
    const { log, state, plan, proxySet, clock } = this.#parts;
    if (why !== undefined) log.info(`${why}: finishing what is under way`, { seconds_at_most: drain / 1000 });
    this.#watch?.close();
    // Others need not wait for this one any more, and what the fleet has on here ends.
    await this.#parts.fleet?.close();
    // What is on now is what is to go on after the restart.
    await state?.close();
    // Healed first: a connection that a fault holds back could not finish.
    plan.end(() => true, "healed");
    const closed = await proxySet.drain(clock.now() + drain);
    if (closed > 0) log.warn(`${closed} connections did not finish in time and were closed`);
    await this.#dispose();
    if (why !== undefined) log.info("stopped");
    await log.close();
  }

  /** Undoes a start that failed. */
  async abandon(): Promise<void> {
    this.#watch?.close();
    await this.#dispose();
    await this.#parts.log.close();
  }

  async #dispose(): Promise<void> {
    const { state, proxySet, plan, kernel, live, metrics, context, authority, telemetry, fleet } =
      this.#parts;
    await fleet?.close();
    await state?.close();
    proxySet.stop();
    plan.stop();
    await kernel.close();
    live.close();
    await this.#admin?.close();
    metrics.close();
    context.resolver.close();
    await authority.keyLog?.close();
    await telemetry.close();
  }
}
