/** A worker's own daemon, in this process: its proxies, what is switched on at them, and what went through. */
import type { RunRecord } from "../contract/record.js";
import { recordOf } from "../record/run-record.js";
import { pid, version as runtime } from "node:process";
import type { LocatedMap } from "../../config/located.js";
import { locate } from "../../config/located.js";
import type { Override } from "../../config/overrides.js";
import { parseListen } from "../../config/address.js";
import { startDaemon, type Daemon } from "../../daemon.js";
import type { JournalEntry } from "../../telemetry/entry.js";
import type { LogStream } from "../../telemetry/log.js";
import type { FaultInput, FaultOutcome } from "../contract/run.js";
import { fillInTree } from "../run-file/placeholders.js";
import type { RunSettings } from "../run-file/settings.js";

export interface WiresOptions {
  readonly settings: RunSettings;
  /** On the ports of squall.yaml; on free ones otherwise. */
  readonly ownPorts: boolean;
  /** What stands for `{port:NAME}` of upstreams. */
  readonly ports: ReadonlyMap<string, number>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
}

/** Where clients reach a proxy. */
export interface Wire {
  readonly name: string;
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Clients speak TLS with it. */
  readonly secure: boolean;
  /** They do or may, so that they need to trust its CA. */
  readonly trusts: boolean;
}

/** Entries of one run that are kept; of a run with more it is told how many are left out. */
const ENTRIES_MAX = 200_000;
const SILENCE: LogStream = { write: () => true, on: () => undefined, off: () => undefined };

export class Wires {
  readonly #daemon: Daemon;
  readonly list: readonly Wire[];
  #entries: JournalEntry[] = [];
  #cut = 0;

  private constructor(daemon: Daemon, settings: RunSettings, entriesMax: number) {
    this.#daemon = daemon;
    this.list = daemon.control.proxies().flatMap(({ name, listen, protocol }) => {
      const address = parseListen(listen);
      const config = settings.checked.find((one) => one.name === name);
      if (address === null) return [];
      const mode = config?.secure?.mode;
      // Who may speak either is told the one that people mean by the proxy.
      return [wireOf(name, protocol, address, mode === "terminate", mode === "detect")];
    });
    daemon.telemetry.hear((entry) => {
      if (this.#entries.length < entriesMax) this.#entries.push(entry);
      else this.#cut++;
    });
  }

  /** Throws SquallError if it cannot listen. */
  static async open(
    { settings, ownPorts, ports, env, cwd, home }: WiresOptions,
    entriesMax = ENTRIES_MAX,
  ): Promise<Wires> {
    const { proxies, config } = settings;
    const filled =
      proxies === null
        ? null
        : (fillInTree(proxies, ({ kind, name }) =>
            kind === "port" ? String(ports.get(name) ?? "") : "",
          ) as LocatedMap);
    const daemon = await startDaemon({
      ...(config === null ? {} : { text: config.text, file: config.file }),
      ...(filled === null ? {} : { proxies: filled }),
      overrides: overridesFor(settings, ownPorts),
      env,
      cwd,
      home,
      logStream: SILENCE,
      ownProcess: false,
      pid,
      node: runtime,
    });
    return new Wires(daemon, settings, entriesMax);
  }

  /** With what clients must trust where a proxy speaks TLS with them. Throws SquallError. */
  trust(): Promise<{ readonly ca: string; readonly bundle: string }> {
    return this.#daemon.trust();
  }

  /** Switches these on, with all counters at zero, in place of all that is on; resolves when they are in force. */
  async apply(faults: readonly FaultInput[], seed: number): Promise<void> {
    this.#daemon.control.heal();
    this.#entries = [];
    this.#cut = 0;
    if (faults.length > 0)
      this.#daemon.control.activate(
        [{ what: { faults: locate(faults, "case", "faults") }, seed }],
        "replace",
      );
    await this.#daemon.settled();
  }

  /** Ends them; answers what each of them did. */
  heal(faults: readonly FaultInput[]): FaultOutcome[] {
    const outcomes = this.outcomes(faults);
    this.#daemon.control.heal();
    return outcomes;
  }

  outcomes(faults: readonly FaultInput[]): FaultOutcome[] {
    const done = this.#daemon.control.active().activations.flatMap(({ so_far: soFar }) => soFar);
    return faults.map(({ name }) => {
      const own = done.filter((one) => one.fault === name);
      const sum = (key: "subjects" | "matched" | "hits"): number =>
        own.reduce((total, one) => total + one[key], 0);
      return { fault: name, subjects: sum("subjects"), matched: sum("matched"), hits: sum("hits") };
    });
  }

  /** Everything that was journalled since faults were last applied. */
  entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  /** The same as a record, of times since `from` (`performance.now()`). */
  record(from: number): RunRecord {
    const record = recordOf(this.#entries, from);
    return this.#cut === 0 ? record : { ...record, cut: this.#cut };
  }

  /** The command is over, and what it sent over UDP with it. */
  endFlows(): void {
    this.#daemon.endFlows();
  }

  /** Of upstreams that speak UDP alone. */
  datagramPorts(): readonly number[] {
    return this.#daemon.control
      .proxies()
      .filter(({ protocol }) => protocol === "udp" || protocol === "dns")
      .map(({ upstream }) => Number(/:(\d+)$/u.exec(upstream)?.[1] ?? 0));
  }

  traffic(): ReturnType<Daemon["traffic"]> {
    return this.#daemon.traffic();
  }

  settled(): Promise<void> {
    return this.#daemon.settled();
  }

  async close(): Promise<void> {
    await this.#daemon.stop({ drain: 0 });
  }
}

function overridesFor({ checked, seed }: RunSettings, ownPorts: boolean): Override[] {
  const set = (path: readonly string[], value: string): Override => ({ path, value, origin: "squall sweep" });
  const listen = ownPorts
    ? []
    : checked.map(({ name, listen: { host } }) =>
        set(["proxies", name, "listen"], `${host.includes(":") ? `[${host}]` : host}:0`),
      );
  return [
    set(["admin", "listen"], "127.0.0.1:0"),
    set(["admin", "tls"], "null"),
    set(["journal", "file"], "null"),
    set(["journal", "exchanges"], "all"),
    set(["activate"], "none"),
    set(["state"], "null"),
    set(["watch"], "false"),
    set(["log", "level"], "error"),
    set(["seed"], String(seed)),
    ...listen,
  ];
}

const EVERYWHERE: Readonly<Record<string, string>> = { "": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1" };

function wireOf(
  name: string,
  protocol: string,
  address: { readonly host: string; readonly port: number },
  secure: boolean,
  trusts = false,
): Wire {
  const host = EVERYWHERE[address.host] ?? address.host;
  const schemes: Readonly<Record<string, string>> = { http: "https", tcp: "tls" };
  const scheme = secure ? (schemes[protocol] ?? protocol) : protocol;
  const authority = `${host.includes(":") ? `[${host}]` : host}:${address.port}`;
  return {
    name,
    host,
    port: address.port,
    secure,
    trusts: secure || trusts,
    url: `${scheme}://${authority}`,
  };
}
