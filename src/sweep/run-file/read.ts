/** squall.run.yaml and flags -> `RunSettings`. Every mistake is told with its place: file, line and column, or the flag. */
import { createHash } from "node:crypto";
import { dirname, resolve } from "node:path";
import { readConfig } from "../../config/config.js";
import { environmentLookup, interpolate } from "../../config/interpolate.js";
import {
  child,
  locate,
  SourceText,
  withoutBlanks,
  type Located,
  type LocatedEntry,
  type LocatedMap,
} from "../../config/located.js";
import { Problems } from "../../config/problems.js";
import { readDocuments } from "../../config/source.js";
import { check } from "../../config/validate.js";
import { didYouMean } from "../../core/suggest.js";
import type { SquallError } from "../../core/errors.js";
import { version } from "../../version.js";
import { checkPlaceholders, fillInTree, placeholdersOf } from "./placeholders.js";
import type { Command, RunSettings } from "./settings.js";
import { runShape, serviceShape, USUAL_DIRECTORY, type CommandInput, type RunInput } from "./shape.js";

export interface RunFlag {
  /** The key of the run file that it sets. */
  readonly key: keyof RunInput;
  readonly value: unknown;
  /** As in `--settle`. */
  readonly flag: string;
}

export interface RunSources {
  /** The run file; null if there is none. */
  readonly file: { readonly file: string; readonly text: string } | null;
  readonly flags: readonly RunFlag[];
  /** `--proxy NAME=UPSTREAM`, in their order. */
  readonly proxies: readonly { readonly name: string; readonly upstream: string }[];
  /** `--secure NAME`: proxies with which clients speak TLS. */
  readonly secure?: readonly string[];
  /** squall.yaml, or what `--config` names; null if there is none. */
  readonly config: { readonly file: string; readonly text: string } | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** In these the shell reads `${…}`, and nobody else. */
const FOR_THE_SHELL: ReadonlySet<string> = new Set(["command", "setup", "upstream", "check"]);
/** What is read before the proxies listen. */
const EARLY: ReadonlySet<string> = new Set(["upstream", "ready", "proxies"]);
const MAY_HOLD: readonly string[] = [
  "command",
  "setup",
  "upstream",
  "ready",
  "check",
  "audit",
  "env",
  "proxies",
];
/** Stands for a free port while nothing but the form is judged. */
const SOME_PORT = "1";

/** Throws SQ_INVALID_CONFIG with everything that is wrong. */
export function readRun(sources: RunSources): RunSettings {
  const problems = new Problems();
  const { file, env, cwd } = sources;
  const root = withFlags(readRoot(file, env, problems), sources, problems);
  problems.throwIfAny("SQ_INVALID_CONFIG");
  const input = check(runShape, withoutBlanks(root), problems);
  const proxies = proxiesOf(root, problems);
  const ports = [
    ...new Set(
      placeholdersOf(child(root, "upstream")).flatMap(({ placeholder: { kind, name } }) =>
        kind === "port" && name !== "" ? [name] : [],
      ),
    ),
  ];
  problems.throwIfAny("SQ_INVALID_CONFIG");
  if (input === undefined) throw problems.error("SQ_INVALID_CONFIG");
  const checked = checkedProxies(sources, proxies, ports);
  const names = { proxies: checked.map(({ name }) => name), ports };
  for (const key of MAY_HOLD) checkPlaceholders(child(root, key), names, EARLY.has(key), problems);
  checkTogether(input, file === null ? null : root, checked, problems);
  problems.throwIfAny("SQ_INVALID_CONFIG");
  const folder = file === null ? cwd : dirname(resolve(cwd, file.file));
  return {
    ...settingsOf(input, folder),
    directory: resolve(cwd, input.directory),
    folder,
    proxies,
    proxyNames: names.proxies,
    ports,
    config: sources.config,
    checked,
    fingerprint: fingerprintOf(input, sources),
  };
}

/** What a run file says of where things are written, if it can be read; mistakes are left to `readRun`. */
export function directoryIn(file: RunSources["file"], env: RunSources["env"]): string {
  const node = child(readRoot(file, env, new Problems()), "directory");
  const input = node === undefined ? undefined : check(runShape.shape.directory, node, new Problems());
  return input ?? USUAL_DIRECTORY;
}

// ------------------------------------------------------------------------------------------------
// Reading.

function readRoot(file: RunSources["file"], env: RunSources["env"], problems: Problems): LocatedMap {
  const empty: LocatedMap = {
    kind: "map",
    entries: new Map(),
    place: { text: new SourceText(file?.file ?? "the command line", null), offset: 0 },
    path: "",
  };
  if (file === null) return empty;
  const [document, second] = readDocuments(file.text, file.file, problems);
  if (second !== undefined) problems.add(second.tree, "expected one document, got a second one");
  if (document === undefined) return empty;
  if (document.tree.kind !== "map") {
    problems.add(document.tree, "expected settings (a mapping)");
    return empty;
  }
  const entries = new Map<string, LocatedEntry>();
  for (const [key, entry] of document.tree.entries) {
    const value = FOR_THE_SHELL.has(key)
      ? entry.value
      : // Those of proxies are resolved with the rest of the configuration.
        key === "proxies"
        ? entry.value
        : interpolate(entry.value, environmentLookup(env), problems);
    entries.set(key, { ...entry, value });
  }
  return { ...document.tree, entries };
}

function withFlags(
  root: LocatedMap,
  { flags, proxies, secure = [] }: RunSources,
  problems: Problems,
): LocatedMap {
  const entries = new Map(root.entries);
  for (const { key, value, flag } of flags) {
    const node = locate(value, flag, key);
    const before = entries.get(key)?.value;
    const both =
      node.kind === "map" && before?.kind === "map"
        ? { ...before, entries: new Map([...before.entries, ...node.entries]) }
        : node;
    entries.set(key, { key, place: node.place, value: both });
  }
  return withSecure(withProxies({ ...root, entries }, proxies, problems), secure);
}

function withProxies(root: LocatedMap, proxies: RunSources["proxies"], problems: Problems): LocatedMap {
  if (proxies.length === 0) return root;
  const before = child(root, "proxies");
  for (const [index, { name }] of proxies.entries())
    if (proxies.findIndex((one) => one.name === name) !== index)
      problems.add(locate(name, "--proxy", ""), `the proxy ${JSON.stringify(name)} is given twice`);
  const more = proxies.map(({ name, upstream }): [string, LocatedEntry] => {
    const value = locate({ upstream }, "--proxy", `proxies.${name}`);
    return [name, { key: name, place: value.place, value }];
  });
  const base = before?.kind === "map" ? before : locate({}, "--proxy", "proxies");
  if (base.kind !== "map") return root;
  return withProxiesOf(root, { ...base, entries: new Map([...base.entries, ...more]) });
}

/** Those of squall.yaml say so there. Throws SQ_INVALID_CONFIG for a name that is of none here. */
function withSecure(root: LocatedMap, names: readonly string[]): LocatedMap {
  const proxies = child(root, "proxies");
  const entries = new Map(proxies?.kind === "map" ? proxies.entries : []);
  for (const name of names) {
    const proxy = entries.get(name);
    if (proxy?.value.kind !== "map")
      throw badFlag(
        "--secure",
        `no proxy of the run file or of --proxy is called ${JSON.stringify(name)}`,
        didYouMean(name, [...entries.keys()]) ?? "in squall.yaml, the proxy says `secure: true` itself",
      );
    const value = locate(true, "--secure", `proxies.${name}.secure`);
    const own = new Map(proxy.value.entries).set("secure", { key: "secure", place: value.place, value });
    entries.set(name, { ...proxy, value: { ...proxy.value, entries: own } });
  }
  return proxies?.kind === "map" && names.length > 0 ? withProxiesOf(root, { ...proxies, entries }) : root;
}

function withProxiesOf(root: LocatedMap, value: LocatedMap): LocatedMap {
  const entry = { key: "proxies", place: value.place, value };
  return { ...root, entries: new Map(root.entries).set("proxies", entry) };
}

/** Those without `listen` get a free port of loopback. */
function proxiesOf(root: LocatedMap, problems: Problems): LocatedMap | null {
  const proxies = child(root, "proxies");
  if (proxies === undefined || (proxies.kind === "scalar" && proxies.value === null)) return null;
  if (proxies.kind !== "map") {
    problems.add(proxies, "expected a mapping of names to proxies");
    return null;
  }
  const entries = new Map<string, LocatedEntry>();
  for (const [name, entry] of proxies.entries) {
    const { value } = entry;
    if (value.kind !== "map" || value.entries.has("listen")) {
      entries.set(name, entry);
      continue;
    }
    const listen: Located = {
      kind: "scalar",
      value: "127.0.0.1:0",
      place: value.place,
      path: `${value.path}.listen`,
    };
    const filled = new Map(value.entries).set("listen", { key: "listen", place: value.place, value: listen });
    entries.set(name, { ...entry, value: { ...value, entries: filled } });
  }
  return { ...proxies, entries };
}

// ------------------------------------------------------------------------------------------------
// Judging.

function checkedProxies(
  { config, env, cwd }: RunSources,
  proxies: LocatedMap | null,
  ports: readonly string[],
): RunSettings["checked"] {
  const known = (name: string): string => (ports.includes(name) ? SOME_PORT : `{port:${name}}`);
  const filled =
    proxies === null
      ? null
      : fillInTree(proxies, ({ kind, name }) => (kind === "port" ? known(name) : SOME_PORT));
  const { config: read } = readConfig({
    ...(config === null ? {} : config),
    env,
    folder: cwd,
    ...(filled?.kind === "map" ? { proxies: filled } : {}),
  });
  return read.proxies.filter(({ enabled }) => enabled);
}

function checkTogether(
  input: RunInput,
  root: LocatedMap | null,
  proxies: RunSettings["checked"],
  problems: Problems,
): void {
  // Without a file it is a flag that is missing, or too much.
  const at = (key: string, flag: string): Located => {
    if (root === null) return locate(null, flag);
    return child(root, key) ?? root;
  };
  if (proxies.length === 0)
    problems.add(
      at("proxies", "--proxy"),
      "there is no proxy to inject faults at",
      "--proxy jobs=http://127.0.0.1:3000, or proxies in squall.yaml or in the run file",
    );
  if (input.command === undefined && input.service === false)
    problems.add(
      at("command", "the command line"),
      "there is no command to judge",
      "squall sweep -- npm test, or command: in the run file",
    );
  if (input.jobs > 1 && input.upstream === undefined)
    problems.add(
      at("jobs", "--jobs"),
      "runs at the same time need an upstream of their own each, and there is none that Squall starts",
      "upstream: a command for the server, with {port:NAME} for its port",
    );
  else if (input.jobs > 1 && input.service !== false)
    problems.add(at("jobs", "--jobs"), "with service there is one system, and one run at a time");
}

// ------------------------------------------------------------------------------------------------
// Resolving.

function settingsOf(
  input: RunInput,
  folder: string,
): Omit<
  RunSettings,
  "directory" | "folder" | "proxies" | "proxyNames" | "ports" | "config" | "checked" | "fingerprint"
> {
  return {
    command: commandOf(input.command),
    setup: commandOf(input.setup),
    upstream: commandOf(input.upstream),
    check: commandOf(input.check),
    ready: input.ready,
    readyTimeout: input.ready_timeout,
    audit: input.audit ?? null,
    ignore: input.ignore,
    tolerance: input.tolerance,
    outage: input.outage ?? null,
    outageIgnore: input.outage_ignore,
    idempotent: input.idempotent,
    slo: input.slo ?? null,
    settle: input.settle,
    timeout: input.timeout,
    dump: input.dump ?? null,
    env: Object.fromEntries(Object.entries(input.env).map(([name, value]) => [name, String(value)])),
    jobs: input.jobs,
    isolate: input.isolate,
    baselines: input.baselines,
    routes: input.routes,
    openapi: input.openapi.map((path) => resolve(folder, path)),
    kinds: input.kinds,
    skipKinds: input.skip_kinds,
    seed: input.seed ?? 1,
    budget: input.budget ?? null,
    service: input.service === false ? null : input.service === true ? serviceShape.parse({}) : input.service,
    disk: input.disk,
    keep: input.keep,
  };
}

function commandOf(input: CommandInput | undefined): Command | null {
  if (input === undefined) return null;
  return typeof input === "string" ? { kind: "line", line: input } : { kind: "words", words: input };
}

/** What does not decide what a run is stays out of it: how many at a time, how long all may take, and where it is written. */
function fingerprintOf(input: RunInput, { config }: RunSources): string {
  const { jobs: _jobs, budget: _budget, directory: _directory, disk: _disk, keep: _keep, ...decides } = input;
  const text = JSON.stringify([version, decides, config?.text ?? null]);
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** For flags that have no key of their own in the run file. */
export function badFlag(flag: string, message: string, hint?: string): SquallError {
  const problems = new Problems();
  problems.add({ place: { text: new SourceText(flag, null), offset: 0 }, path: "" }, message, hint);
  return problems.error("SQ_INVALID_CONFIG");
}
