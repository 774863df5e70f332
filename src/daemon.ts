/** The composition root: wires everything, and starts, reloads and stops it in order. */
import { readFileSync } from "node:fs";
import * as fsPromises from "node:fs/promises";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { randomInt } from "node:crypto";
import { guestLimits } from "./admin/house.js";
import { startAdmin, type Admin } from "./admin/server.js";
import { isPopulateFile, readPopulateFile } from "./admin/toxiproxy/populate_file.js";
import { formatAddress, isLoopback } from "./config/address.js";
import { readConfig, type Config, type ConfigInput } from "./config/config.js";
import { Library } from "./config/library.js";
import { loadProfiles } from "./config/load.js";
import type { Override } from "./config/overrides.js";
import { jsonSchemas } from "./config/schema.js";
import { Watch } from "./config/watch.js";
import { Control, type Desired, type ProxyDefaults } from "./control.js";
import { SystemClock } from "./core/clock.js";
import { SquallError } from "./core/errors.js";
import { Ledger } from "./core/ledger.js";
import { FAULT_TYPES } from "./faults/kinds/index.js";
import { HeldBudget } from "./pipeline/budget.js";
import { LivePlan } from "./plan/live.js";
import { ConnectionSlots, type PlaneContext } from "./proxy/context.js";
import { Descriptors } from "./proxy/descriptors.js";
import { Fleet, type FileProxy } from "./proxy/fleet.js";
import type { Proxy } from "./proxy/spec.js";
import { KernelPlane } from "./proxy/kernel/plane.js";
import { Resolver } from "./proxy/upstream/resolver.js";
import { StateFile } from "./state/file.js";
import { KeptState } from "./state/kept_state.js";
import type { Start } from "./state/restore.js";
import { createLog, type Log, type LogStream } from "./telemetry/log.js";
import { Metrics } from "./telemetry/metrics.js";
import { Telemetry } from "./telemetry/telemetry.js";
import { version } from "./version.js";

/** Of proxies that come without a time-out of their own. */
const DIAL_TIMEOUT_MS = 10_000;
/** How long whoever has the admin port may take to say who it is. */
const WHO_MAX_MS = 1_000;

export interface DaemonOptions {
  /** The configuration as text, from where it was read; without it, defaults and overrides alone count. */
  readonly text?: string;
  /** Its file: relative paths start from its folder, and it is read again at a reload. */
  readonly file?: string;
  readonly overrides?: readonly Override[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Where this package is: the profiles that come with it are used if no others are named. */
  readonly home: string;
  readonly logStream: LogStream;
  /** True where the process is the daemon's own: its CPU, memory and descriptors are metrics then. */
  readonly ownProcess: boolean;
  readonly pid: number;
  /** The runtime, such as v20.20.2. */
  readonly node: string;
}

export interface StopOptions {
  /** Who wants it, for the log. */
  readonly why?: string;
  /** Milliseconds for connections to finish; the configured limit if not given. */
  readonly drain?: number;
}

export interface Daemon {
  readonly adminUrl: string;
  readonly control: Control;
  readonly telemetry: Telemetry;
  /** Adds a proxy of the API's, with the settings that one has in squall.yaml, and resolves when it listens. */
  addProxy(name: string, settings: Readonly<Record<string, unknown>>): Promise<void>;
  /** Resolves when no proxy is about to open its port any more. */
  settled(): Promise<void>;
  metricsText(): Promise<string>;
  reload(why: string): Promise<void>;
  stop(options?: StopOptions): Promise<void>;
}

/** Starts everything, or throws and leaves nothing behind. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { config } = readConfig(configInput(options, options.text));
  const { state: file } = config;
  const { pid } = options;
  const state = file === null ? null : await StateFile.open({ file, pid, version });
  let daemon: RunningDaemon | null = null;
  try {
    daemon = new RunningDaemon(options, config, state);
    await daemon.start();
    return daemon;
  } catch (error) {
    await daemon?.abandon();
    await state?.close();
    throw error;
  }
}

function configInput(
  { file, env, cwd, overrides = [] }: DaemonOptions,
  text: string | undefined,
): ConfigInput {
  return {
    // A list of proxies says nothing but proxies.
    ...(text === undefined || isPopulateFile(text) ? {} : { text }),
    ...(file === undefined ? {} : { file }),
    env,
    overrides,
    folder: cwd,
  };
}

class RunningDaemon implements Daemon {
  readonly control: Control;
  readonly telemetry: Telemetry;
  readonly #options: DaemonOptions;
  readonly #config: Config;
  /** Of faults that no activation gives a seed to. */
  readonly #seed: number;
  readonly #log: Log;
  readonly #clock = new SystemClock();
  readonly #plan: LivePlan;
  readonly #fleet: Fleet;
  readonly #library: Library;
  readonly #context: PlaneContext;
  readonly #kernel: KernelPlane;
  readonly #descriptors = Descriptors.ofProcess();
  readonly #metrics: Metrics;
  readonly #types = new Map(FAULT_TYPES.map((type) => [type.type, type]));
  #admin: Admin | null = null;
  #watch: Watch | null = null;
  readonly #state: KeptState | null;
  #stopping: Promise<void> | null = null;

  constructor(options: DaemonOptions, config: Config, file: StateFile | null) {
    this.#options = options;
    this.#seed = config.seed ?? file?.found?.state.seed ?? randomInt(2 ** 32);
    this.#config = config;
    const { log, journal, limits } = config;
    this.#log = createLog({
      level: log.level,
      format: log.format,
      stream: options.logStream,
      clock: this.#clock,
    });
    this.telemetry = new Telemetry({
      clock: this.#clock,
      log: this.#log,
      journal: {
        keep: journal.keep,
        ...(journal.file === null
          ? {}
          : { file: { path: journal.file, maxBytes: journal.rotate, maxFiles: journal.files } }),
      },
    });
    const ledger = new Ledger();
    const resolver = new Resolver({ clock: this.#clock });
    this.#kernel = new KernelPlane({
      clock: this.#clock,
      facts: this.telemetry,
      table: `squall_${options.pid}`,
      path: options.env["PATH"] ?? "",
      resolve: async (name) => (await resolver.resolve(name)).map(({ address }) => address),
      failed: () => {
        this.#plan.reconsider();
      },
    });
    this.#context = {
      clock: this.#clock,
      facts: this.telemetry,
      budget: new HeldBudget(limits.held),
      resolver,
      slots: new ConnectionSlots(Math.min(limits.connections, this.#descriptors.connections)),
      kernel: this.#kernel,
      descriptors: this.#descriptors,
    };
    this.#plan = new LivePlan({
      clock: this.#clock,
      facts: this.telemetry,
      ledger,
      types: this.#types,
      version,
      seed: this.#seed,
      seeded: config.seed !== null,
      kernel: () => this.#kernel.unavailable(),
    });
    this.#fleet = new Fleet(this.#context, this.#plan);
    this.#library = new Library(this.#types);
    this.control = new Control({
      plan: this.#plan,
      fleet: this.#fleet,
      library: this.#library,
      types: this.#types,
      kernel: () => this.#kernel.unavailable(),
      facts: this.telemetry,
      load: () => this.#desired(),
      seed: config.seed,
      proxyDefaults: this.#proxyDefaults,
    });
    this.#metrics = new Metrics({
      ledger,
      proxies: () => this.#fleet.list().map(({ proxy }) => proxy),
      activations: () => this.#plan.states(),
      profileNames: () => this.#library.names(),
      revision: () => this.#plan.revision,
      budget: this.#context.budget,
      slots: this.#context.slots,
      telemetry: this.telemetry,
      version,
      process: options.ownProcess,
      state: () => this.#state?.status ?? null,
    });
    this.#state = file === null ? null : this.#keptIn(file);
  }

  #keptIn(file: StateFile): KeptState {
    if (file.unlocked !== null)
      this.#log.warn(`nothing keeps a second daemon from ${file.name}: ${file.unlocked}`);
    const state = new KeptState({
      file,
      version,
      clock: this.#clock,
      facts: this.telemetry,
      sources: {
        fleet: this.#fleet,
        plan: this.#plan,
        library: this.#library,
        control: this.control,
        seed: this.#seed,
        activate: this.#config.activate,
      },
    });
    const touch = (): void => {
      state.touch();
    };
    // What ends by itself is not to be there after a restart either.
    this.#plan.onChange(touch);
    this.control.changed = touch;
    return state;
  }

  get adminUrl(): string {
    return this.#admin?.url ?? "";
  }

  async start(): Promise<void> {
    const { admin, limits } = this.#config;
    this.#library.replaceFiles(await this.#profileFiles(this.#config));
    this.#state?.restoreProfiles(this.#library);
    // The admin port first: if another daemon has it, nothing else is touched.
    this.control.starting = true;
    await this.#startAdmin(admin, limits.header);
    const prepared = this.#prepare();
    const started = prepared.filter(([{ spec }]) => spec.enabled !== false);
    if (this.#state === null) this.#activate();
    else this.#state.restoreActive(this.control, () => this.#activate());
    for (const [{ patient }, proxy] of started) {
      if (!patient) await proxy.start();
    }
    // Behind those of the file, whose addresses are theirs; somebody may have deleted one by now.
    for (const [{ patient }, proxy] of started) {
      if (patient && this.#fleet.list().some((member) => member.proxy === proxy)) await proxy.insist();
    }
    this.control.starting = false;
    await this.#state?.open();
    if (this.#config.watch) await this.#startWatch();
    this.#log.info(`squall ${version} is ready`, {
      admin: this.adminUrl,
      seed: this.#seed,
      proxies: started.length,
      profiles: this.#library.names().length,
    });
    this.#checkDescriptors();
    this.#checkCallers();
  }

  #checkCallers(): void {
    const { listen, token } = this.#config.admin;
    if (isLoopback(listen.host) || (token !== null && token !== "")) return;
    this.#log.warn(
      `the admin port listens on ${formatAddress(listen)} without a token: whoever reaches it may send traffic anywhere from here`,
    );
  }

  /** Said now rather than under load. */
  #checkDescriptors(): void {
    const { limit, connections } = this.#descriptors;
    const wanted = this.#config.limits.connections;
    if (connections >= wanted) return;
    this.#log.warn(
      `this process may open ${limit} descriptors: enough for ${connections} connections and their upstreams, not for the ${wanted} of limits.connections`,
      { hint: "ulimit -n, LimitNOFILE of systemd, or --ulimit nofile of docker" },
    );
  }

  /** All that is to listen, known to the plan. Between this and what is activated no request can come in. */
  #prepare(): (readonly [Start, Proxy])[] {
    const files = this.#proxies(this.#config, this.#options.text);
    this.#fleet.filed = new Map(files.map((file) => [file.name, file]));
    const starts =
      this.#state?.restoreProxies(files, {
        types: this.#types,
        defaults: this.#proxyDefaults,
        admin: this.#config.admin.listen,
      }) ?? files.map((spec): Start => ({ spec, owner: "file", patient: false }));
    return starts.map((start) => {
      const { spec, owner, filed } = start;
      return [start, this.#fleet.prepare(spec, owner, filed)] as const;
    });
  }

  async #startAdmin(admin: Config["admin"], header: number): Promise<void> {
    try {
      this.#admin = await startAdmin({
        control: this.control,
        telemetry: this.telemetry,
        metrics: this.#metrics,
        clock: this.#clock,
        listen: admin.listen,
        token: admin.token ?? undefined,
        hosts: admin.hosts,
        limits: { bodyBytes: admin.body, headerBytes: header, ...guestLimits(this.#descriptors.reserve) },
        types: this.#types,
        schemas: jsonSchemas(this.#types),
        occupancy: { budget: this.#context.budget, slots: this.#context.slots },
        state: this.#state,
        about: { version, pid: this.#options.pid, node: this.#options.node, seed: this.#seed },
      });
    } catch (error) {
      if (!(error instanceof SquallError) || error.code !== "SQ_ADMIN_PORT_TAKEN") throw error;
      const who = await whoIsThere(formatAddress(admin.listen));
      throw new SquallError("SQ_ADMIN_PORT_TAKEN", `${error.message}: ${who}`, {
        hint: "stop it, or choose another port with --admin",
        cause: error,
      });
    }
  }

  /** In force before the first bot is accepted. */
  #activate(): void {
    const { activate } = this.#config;
    if (activate.length === 0) return;
    this.control.activate(
      activate.map(({ profile, params, seed, ttl, proxies, mode }) => ({
        what: { profile },
        params,
        mode,
        ...(seed === null ? {} : { seed }),
        ...(ttl === null ? {} : { ttl }),
        ...(proxies === null ? {} : { proxies }),
      })),
      "replace",
    );
    this.control.activeOwner = "file";
  }

  async addProxy(name: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
    const text = JSON.stringify({ proxies: { [name]: settings } });
    const [proxy] = readConfig({ text, file: "settings", folder: this.#options.cwd }).config.proxies;
    // Whoever calls this in its next life makes the proxy again.
    if (proxy !== undefined) await this.control.addProxy(this.#spec(proxy), proxy.enabled, { passing: true });
  }

  get #proxyDefaults(): ProxyDefaults {
    return {
      dialTimeout: DIAL_TIMEOUT_MS,
      connections: this.#config.limits.connections,
      proxyProtocol: "off",
      except: [],
    };
  }

  settled(): Promise<void> {
    if (this.#fleet.ready) return Promise.resolve();
    return new Promise((resolve) => {
      const subscription = this.telemetry.stream.subscribe(() => {
        if (!this.#fleet.ready) return;
        subscription.close();
        resolve();
      });
    });
  }

  metricsText(): Promise<string> {
    return this.#metrics.text();
  }

  /** What the file says about proxies, in whichever of the two forms it is. */
  #proxies(config: Config, text: string | undefined): readonly FileProxy[] {
    if (text === undefined || !isPopulateFile(text)) return config.proxies.map((proxy) => this.#spec(proxy));
    const { file } = this.#options;
    return readPopulateFile(text, { types: this.#types, defaults: this.#proxyDefaults, file });
  }

  #spec(proxy: Config["proxies"][number]): FileProxy {
    const common = {
      name: proxy.name,
      listen: proxy.listen,
      upstream: proxy.upstream,
      dialTimeout: proxy.dialTimeout,
      connections: proxy.connections ?? this.#config.limits.connections,
      proxyProtocol: proxy.proxyProtocol,
      except: proxy.except,
      ...(proxy.pool === null ? {} : { pool: { ...proxy.pool, seed: this.#seed } }),
      ...(proxy.enabled ? {} : { enabled: false }),
    };
    if (proxy.protocol === "tcp") return { ...common, protocol: "tcp" };
    if (proxy.protocol === "dns") return { ...common, protocol: "dns", ...proxy.dns };
    if (proxy.protocol === "udp") return { ...common, protocol: "udp", idleTimeout: proxy.idleTimeout };
    const { tls } = proxy;
    return {
      ...common,
      protocol: "http",
      tls: tls === null ? null : { ...tls, ca: tls.ca === null ? null : certificate(tls.ca, proxy.name) },
      identify: proxy.identify,
      salt: `squall/bot/${this.#seed}`,
      persona: proxy.persona,
      faultHeader: proxy.faultHeader,
      ambiguous: proxy.ambiguous,
      headTimeout: proxy.headTimeout,
      headBytes: this.#config.limits.header,
    };
  }

  // -- files --------------------------------------------------------------------------------------

  #profilePaths(config: Config): readonly string[] {
    if (config.profiles.length > 0) return config.profiles;
    const own = resolve(this.#options.cwd, "profiles");
    return [existsSync(own) ? own : join(this.#options.home, "profiles")];
  }

  async #profileFiles(config: Config): Promise<Desired["files"]> {
    return loadProfiles(this.#profilePaths(config), fsPromises, this.#options.cwd);
  }

  async #desired(): Promise<Desired> {
    const { file, cwd } = this.#options;
    const text = file === undefined ? this.#options.text : readFileSync(resolve(cwd, file), "utf8");
    const { config } = readConfig(configInput(this.#options, text));
    const restartNeeded = (["admin", "journal", "limits", "log", "seed", "state", "watch"] as const).filter(
      (part) => JSON.stringify(config[part]) !== JSON.stringify(this.#config[part]),
    );
    return {
      proxies: this.#proxies(config, text),
      files: await this.#profileFiles(config),
      restartNeeded,
    };
  }

  async #startWatch(): Promise<void> {
    const { file, cwd } = this.#options;
    const paths = [...this.#profilePaths(this.#config), ...(file === undefined ? [] : [resolve(cwd, file)])];
    this.#watch = new Watch(paths, {
      clock: this.#clock,
      changed: () => {
        void this.reload("a file changed");
      },
    });
    await this.#watch.start();
  }

  /** What goes wrong is in the journal and the log; the old plan keeps running. */
  async reload(why: string): Promise<void> {
    this.#log.debug(`reloading: ${why}`);
    try {
      await this.control.reload();
      await this.#state?.saved();
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
    if (why !== undefined)
      this.#log.info(`${why}: finishing what is under way`, { seconds_at_most: drain / 1000 });
    this.#watch?.close();
    // What is on now is what is to go on after the restart.
    await this.#state?.close();
    // Healed first: a connection that a fault holds back could not finish.
    this.#plan.end(() => true, "healed");
    const closed = await this.#fleet.drain(this.#clock.now() + drain);
    if (closed > 0) this.#log.warn(`${closed} connections did not finish in time and were closed`);
    await this.#dispose();
    if (why !== undefined) this.#log.info("stopped");
    await this.#log.close();
  }

  /** Undoes a start that failed. */
  async abandon(): Promise<void> {
    this.#watch?.close();
    await this.#dispose();
    await this.#log.close();
  }

  async #dispose(): Promise<void> {
    await this.#state?.close();
    this.#fleet.stop();
    this.#plan.stop();
    await this.#kernel.close();
    await this.#admin?.close();
    this.#metrics.close();
    this.#context.resolver.close();
    await this.telemetry.close();
  }
}

/** The certificates in a file, PEM. Throws SQ_INVALID_CONFIG. */
function certificate(path: string, proxy: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SquallError("SQ_INVALID_CONFIG", `cannot read the certificates in ${path}: ${why}`, {
      path: `proxies.${proxy}.tls.ca`,
      cause: error,
    });
  }
}

/** Who has the admin port: another Squall, a Toxiproxy, or somebody else. */
async function whoIsThere(address: string): Promise<string> {
  const at = address.replace(/^(?:0\.0\.0\.0|\[::\])/u, "127.0.0.1");
  const ask = async (path: string): Promise<Record<string, unknown>> => {
    // Not AbortSignal.timeout: its timer keeps no process alive, and fetch forgets a connection that is closed at once.
    const abort = new AbortController();
    const late = setTimeout(() => {
      abort.abort();
    }, WHO_MAX_MS);
    try {
      const response = await fetch(`http://${at}${path}`, { signal: abort.signal });
      return (await response.json()) as Record<string, unknown>;
    } finally {
      clearTimeout(late);
    }
  };
  try {
    const { version: theirs, pid } = await ask("/status");
    if (typeof theirs === "string")
      return `squall ${theirs} is there already${typeof pid === "number" ? ` (process ${pid})` : ""}`;
  } catch {
    // Not ours, or not in the mood.
  }
  try {
    const { version: theirs } = await ask("/version");
    if (typeof theirs === "string") return `a Toxiproxy ${theirs} is there already`;
  } catch {
    // Nor that.
  }
  return "another program is there already";
}
