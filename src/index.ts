/**
 * The library: Squall in the process of a test suite, on free ports, as many at a time as wanted.
 *
 *     const squall = await startSquall();
 *     const jobs = await squall.proxies.add("jobs", { upstream: "127.0.0.1:3000" });
 *     await squall.activate("high-latency", { seed: 7 });
 *     ... requests to jobs.address ...
 *     await squall.stop();
 */
import { pid, version as runtime } from "node:process";
import { fileURLToPath } from "node:url";
import { formatAddress, parseListen, parseUpstream } from "./config/address.js";
import { locate } from "./config/located.js";
import { unknownProxy } from "./config/proxy.js";
import type { ActiveView } from "./control/active-view.js";
import type { ProfileDetail } from "./control/profiles.js";
import type { ProxyView } from "./control/proxy-view.js";
import type { ActivationInput } from "./control/requests.js";
import { SquallError } from "./core/errors.js";
import { parseDuration } from "./core/units.js";
import { startDaemon, type Daemon } from "./daemon.js";
import { checkOptions, checkStart, checkText } from "./library-input.js";
import type { JournalEntry, JournalQuery } from "./telemetry/entry.js";
import type { LogStream } from "./telemetry/log.js";

export interface SquallOptions {
  /** squall.yaml as text or as a value; what the other options say counts over it. */
  readonly config?: string | Readonly<Record<string, unknown>>;
  /**
   * Folders or files with profiles of one's own, on top of those that come with Squall, which `{ library: false }` leaves out. If none are
   * named, `./profiles` where there is one.
   */
  readonly profiles?: readonly string[] | { readonly library?: boolean; readonly paths?: readonly string[] };
  /** Proxies to start with, by name. */
  readonly proxies?: Readonly<Record<string, ProxyOptions>>;
  /** Of activations that bring none, and of faults set on a proxy; drawn if not given. */
  readonly seed?: number;
  /**
   * True has `ca` and `bundle` for clients of proxies with `secure`. A mapping besides says what `tls` in squall.yaml says: by default
   * the CA is in memory, and ends with this Squall.
   */
  readonly tls?: boolean | TlsOptions;
  /** Where the admin API listens; a free port on loopback if not given. */
  readonly admin?: string;
  /** What the daemon logs, and where to; nothing if not given. */
  readonly log?: { readonly level: "error" | "warn" | "info" | "debug"; readonly stream: LogStream };
  /** Where relative paths start; where this process runs if not given. */
  readonly folder?: string;
}

/** As `tls` in squall.yaml. */
export interface TlsOptions {
  /** A folder for the CA, made at first need, or files (PEM) of one's own. */
  readonly ca?: string | { readonly cert: string; readonly key: string };
  /** A folder for `ca.pem` and `bundle.pem` alone, for bots that must not reach the key. */
  readonly share?: string;
  /** What a CA that is made may sign for; everything if not given. */
  readonly names?: readonly string[];
  readonly key?: "ec" | "rsa";
  /** A file for the secrets of connections, for Wireshark. */
  readonly keylog?: string;
}

export interface ProxyOptions {
  /** `http://host:port`, `https://host:port` or `tcp://host:port`; `host:port` alone is tcp. */
  readonly upstream: string;
  /** A free port on loopback if not given. */
  readonly listen?: string;
  /** Every other setting of a proxy in squall.yaml, under its name there: `identify`, `except`, `persona` and so on. */
  readonly [setting: string]: unknown;
}

export interface Proxy {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** `host:port`, as clients dial it. */
  readonly address: string;
}

export interface ActivateOptions {
  readonly seed?: number;
  /** A duration such as `30s`, after which it ends by itself. */
  readonly ttl?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  /** Only on these proxies. */
  readonly proxies?: readonly string[];
  readonly mode?: "inject" | "observe";
  /** Beside what is on, instead of in its place. */
  readonly add?: boolean;
}

/** A fault as a profile writes it: `{ type: "latency", delay: "200ms" }`. */
export type FaultInput = { readonly type: string } & Readonly<Record<string, unknown>>;

interface Trust {
  readonly ca: string;
  readonly bundle: string;
}

const HOME = fileURLToPath(new URL("..", import.meta.url));
const UPSTREAM = "an upstream such as http://server:3000 or 127.0.0.1:3000";
const SILENCE: LogStream = { write: () => true, on: () => undefined, off: () => undefined };

/** Starts a daemon in this process. Throws SquallError and leaves nothing behind if it cannot. */
export async function startSquall(options: SquallOptions = {}): Promise<Squall> {
  checkStart(options);
  const { config = {}, profiles, seed, admin, tls = false, log, folder = "." } = options;
  const override = (path: string[], value: unknown): { path: string[]; value: string; origin: string }[] =>
    value === undefined
      ? []
      : [
          {
            path,
            value: typeof value === "object" ? JSON.stringify(value) : String(value),
            origin: path.join("."),
          },
        ];
  const daemon = await startDaemon({
    text: typeof config === "string" ? config : JSON.stringify(config),
    overrides: [
      ...override(["admin", "listen"], admin ?? "127.0.0.1:0"),
      ...override(Array.isArray(profiles) ? ["profiles", "paths"] : ["profiles"], profiles),
      ...override(["seed"], seed),
      ...override(["tls"], typeof tls === "object" ? tls : undefined),
      ...override(["log", "level"], log?.level ?? "error"),
      ...override(["watch"], false),
    ],
    env: {},
    cwd: folder,
    home: HOME,
    logStream: log?.stream ?? SILENCE,
    ownProcess: false,
    pid,
    node: runtime,
  });
  let squall = new Squall(daemon, null);
  try {
    if (tls !== false) squall = new Squall(daemon, await daemon.trust());
    for (const [name, proxy] of Object.entries(options.proxies ?? {})) await squall.proxies.add(name, proxy);
  } catch (error) {
    await squall.stop();
    throw error;
  }
  return squall;
}

/** A running Squall. All verbs throw SquallError and change nothing where they cannot do what was asked. */
export class Squall {
  readonly #daemon: Daemon;
  readonly #life: Life = { stopped: false };
  readonly #trust: Trust | null;
  readonly proxies: Proxies;

  /**
   * Made by `startSquall`. What it is made of is nobody's business, and would bring all types of the house into the published ones.
   *
   * @internal
   */
  constructor(daemon: Daemon, trust: Trust | null) {
    this.#daemon = daemon;
    this.#trust = trust;
    this.proxies = new Proxies(daemon, this.#life);
  }

  /** Where the admin API answers, such as `http://127.0.0.1:40123`. */
  get adminUrl(): string {
    return this.#daemon.adminUrl;
  }

  /** The certificate, as PEM, that clients of proxies with `secure` must trust. Throws if Squall was not started with `tls`. */
  get ca(): string {
    return this.#trusted().ca;
  }

  /** The same and the roots that Node trusts, for clients in which it takes the place of all roots. */
  get bundle(): string {
    return this.#trusted().bundle;
  }

  #trusted(): Trust {
    if (this.#trust !== null) return this.#trust;
    throw new SquallError("SQ_BAD_REQUEST", "there is no CA: startSquall({ tls: true }) opens it");
  }

  /** Switches a profile, or faults of its own, on; resolves when it is in force on every proxy. */
  async activate(what: string | readonly FaultInput[], options: ActivateOptions = {}): Promise<ActiveView> {
    refuseStopped(this.#life, "activate");
    checkOptions("activate", options);
    const { ttl, seed, params, proxies, mode, add } = options;
    const millis = ttl === undefined ? undefined : durationOf(ttl, "ttl");
    const input: ActivationInput = {
      what: typeof what === "string" ? { profile: what } : { faults: locate(what, "activate", "faults") },
      ...(seed === undefined ? {} : { seed }),
      ...(millis === undefined ? {} : { ttl: millis }),
      ...(params === undefined ? {} : { params }),
      ...(proxies === undefined ? {} : { proxies }),
      ...(mode === undefined ? {} : { mode }),
    };
    const active = this.#daemon.control.activate([input], add === true ? "add" : "replace");
    await this.#daemon.settled();
    return active;
  }

  /**
   * Ends all activations; resolves when every proxy listens again. Answers how many there were. With `own` the faults that
   * proxies have of their own, toxics among them, go as well.
   */
  async heal(options: { readonly own?: boolean } = {}): Promise<number> {
    checkOptions("heal", options);
    const { own = false } = options;
    const { ended } = this.#daemon.control.heal(own);
    await this.#daemon.settled();
    return ended;
  }

  active(): ActiveView {
    return this.#daemon.control.active();
  }

  /** Adds or replaces a profile, as YAML or JSON text. */
  putProfile(name: string, text: string): ProfileDetail {
    refuseStopped(this.#life, "putProfile");
    checkText("text", text, "a profile as YAML or JSON text");
    return this.#daemon.control.profiles.put(name, text);
  }

  /** What was done to whom, oldest first; the newest 100 entries if no limit is given. */
  journal(query: JournalQuery = {}): readonly JournalEntry[] {
    checkOptions("journal", query);
    return this.#daemon.telemetry.journal.query(query);
  }

  /** Hears every entry of the journal as it is written, until what comes back is called. */
  hear(listener: (entry: JournalEntry) => void): () => void {
    return this.#daemon.telemetry.hear(listener);
  }

  /** Whether everything that goes through the proxies is in the journal, and not only what faults acted on. May be set at any time. */
  get recording(): boolean {
    return this.#daemon.telemetry.recording;
  }

  set recording(on: boolean) {
    this.#daemon.telemetry.recording = on;
  }

  /** Puts a mark between the entries of the journal: the name of a test, say. */
  mark(text: string): void {
    refuseStopped(this.#life, "mark");
    checkText("text", text, "text");
    this.#daemon.control.mark(text);
  }

  /** Everything for Prometheus, as text. */
  async metrics(): Promise<string> {
    return this.#daemon.metricsText();
  }

  /**
   * Closes all ports and connections. Nothing of it keeps the process alive afterwards. From then on whatever would change something is
   * refused with SQ_STOPPING; what was done to whom (`journal`, `metrics`) can still be read, and there is nothing to heal.
   */
  async stop(): Promise<void> {
    this.#life.stopped = true;
    await this.#daemon.stop({ drain: 0 });
  }
}

/** Shared by a Squall and its proxies. */
interface Life {
  stopped: boolean;
}

function refuseStopped({ stopped }: Life, verb: string): void {
  if (!stopped) return;
  throw new SquallError("SQ_STOPPING", `this Squall has stopped, so ${verb} can do nothing`, {
    hint: "startSquall() starts another one",
  });
}

export class Proxies {
  readonly #daemon: Daemon;
  readonly #life: Life;

  /** @internal */
  constructor(daemon: Daemon, life: Life) {
    this.#daemon = daemon;
    this.#life = life;
  }

  /** Adds a proxy and resolves when it listens. */
  async add(name: string, options: ProxyOptions): Promise<Proxy> {
    refuseStopped(this.#life, "proxies.add");
    // Without types the options may be anything, or missing.
    const given = (options as ProxyOptions | undefined)?.upstream;
    checkText("upstream", given, UPSTREAM);
    const { upstream, listen = "127.0.0.1:0" } = options;
    const address = parseListen(listen);
    if (address === null) {
      throw new SquallError(
        "SQ_BAD_REQUEST",
        `expected an address such as 127.0.0.1:0, got ${JSON.stringify(listen)}`,
        {
          path: "listen",
        },
      );
    }
    const whole = upstream.includes("://") ? upstream : `tcp://${upstream}`;
    const to = parseUpstream(whole);
    if (typeof to === "string") {
      const message = to === "" ? `expected ${UPSTREAM}, got ${JSON.stringify(upstream)}` : to;
      throw new SquallError("SQ_BAD_REQUEST", message, { path: "upstream" });
    }
    await this.#daemon.addProxy(name, { ...options, listen, upstream: whole });
    return this.get(name);
  }

  get(name: string): Proxy {
    refuseStopped(this.#life, "proxies.get");
    const views = this.#daemon.control.proxies();
    const view = views.find((proxy) => proxy.name === name);
    if (view !== undefined) return proxyOf(view);
    const names = views.map((proxy) => proxy.name);
    const { message, ...hint } = unknownProxy(name, names);
    throw new SquallError("SQ_PROXY_NOT_FOUND", message, hint);
  }

  /** None of a Squall that has stopped: nobody listens there any more. */
  list(): readonly Proxy[] {
    return this.#life.stopped ? [] : this.#daemon.control.proxies().map(proxyOf);
  }

  /** Closes its port and its connections. */
  remove(name: string): void {
    refuseStopped(this.#life, "proxies.remove");
    this.#daemon.control.removeProxy(name);
  }
}

function proxyOf(view: ProxyView): Proxy {
  const address = parseListen(view.listen);
  const { host, port } = address ?? { host: "", port: 0 };
  return { name: view.name, host, port, address: formatAddress({ host, port }) };
}

function durationOf(text: string, path: string): number {
  const millis = parseDuration(text);
  if (millis !== null) return millis;
  throw new SquallError("SQ_BAD_REQUEST", `expected a duration such as 30s, got ${JSON.stringify(text)}`, {
    path,
  });
}

export { formatProblem, SquallError, type ErrorCode, type Problem } from "./core/errors.js";
export type { ActivationView, ActiveView } from "./control/active-view.js";
export type { ProfileDetail } from "./control/profiles.js";
export type { ProxyView } from "./control/proxy-view.js";
export type { JournalEntry, JournalQuery } from "./telemetry/entry.js";
export type { LogStream } from "./telemetry/log.js";
export { version } from "./version.js";
