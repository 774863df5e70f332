/**
 * Puts what was kept in force again, piece by piece. What contradicts the configuration of today, or cannot be had
 * any more, is left out with the reason; nothing in here keeps the daemon from starting.
 */
import { PROXIES_MAX } from "../config/proxy.js";
import { parseListen, parseUpstream } from "../admin/toxiproxy/addresses.js";
import { specOf } from "../admin/toxiproxy/proxy.js";
import { readToxics, toxicView } from "../admin/toxiproxy/toxic.js";
import { clash, type Address } from "../config/address.js";
import type { ActivationConfig } from "../config/config.js";
import type { Library } from "../config/library.js";
import { locate } from "../config/located.js";
import type { Control, ProxyDefaults } from "../control.js";
import type { ActivationInput } from "../control/requests.js";
import type { AnyFaultType } from "../faults/contract/index.js";
import type { CompiledFault } from "../plan/value.js";
import type { FileProxy } from "../proxy/proxy-set.js";
import type { ProxySpec } from "../proxy/spec.js";
import { addressesOf } from "./collect.js";
import { messageOf } from "./file.js";
import type { KeptActivation, KeptChange, KeptProfile, KeptProxy, LeftOut, State } from "./format.js";

type Types = ReadonlyMap<string, AnyFaultType>;
type Entry<What extends LeftOut["what"]> = Extract<LeftOut, { what: What }>["entry"];

/** The newer ones first, then those that earlier starts had to leave out: perhaps it can be done today. */
function all<What extends LeftOut["what"]>(
  what: What,
  newer: readonly Entry<What>[],
  { unrestored }: State,
): Entry<What>[] {
  const older = unrestored.filter((left) => left.what === what).map((left) => left.entry as Entry<What>);
  return [...newer, ...older];
}

// -- profiles -------------------------------------------------------------------------------------

export function restoreProfiles(state: State, library: Library): { restored: string[]; leftOut: LeftOut[] } {
  const entries = all("profile", state.profiles, state);
  if (attempted(() => library.putAll(entries.map(({ text }) => text.join("\n")))) === null)
    return { restored: entries.map(({ profile }) => profile), leftOut: [] };
  // The files are not what they were: as many as can be. One may extend another, whatever their order.
  let waiting = entries;
  const restored: string[] = [];
  for (let before = Infinity; waiting.length < before;) {
    before = waiting.length;
    waiting = waiting.filter((entry) => {
      if (restored.includes(entry.profile) || putProfile(entry, library) !== null) return true;
      restored.push(entry.profile);
      return false;
    });
  }
  return {
    restored,
    leftOut: waiting.map((entry) => ({
      what: "profile",
      why: putProfile(entry, library.fork()) ?? "a newer one of that name was restored",
      entry,
    })),
  };
}

/** Why it cannot be put; null if it was. */
function putProfile({ profile, text }: KeptProfile, library: Library): string | null {
  return attempted(() => library.put(text.join("\n"), profile));
}

function attempted(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

// -- proxies --------------------------------------------------------------------------------------

/** A proxy to start with. */
export interface Start {
  readonly spec: FileProxy;
  readonly owner: "file" | "api";
  /** What its file says, of a proxy of the file. */
  readonly filed?: FileProxy;
  /** Its address was not the configuration's wish: it is tried until it can be had, and nothing else waits for it. */
  readonly patient: boolean;
}

export interface RestoredProxies {
  readonly starts: readonly Start[];
  /** Those that the state has to do with. */
  readonly names: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

export function restoreProxies(
  state: State,
  files: readonly FileProxy[],
  { types, defaults, admin }: { types: Types; defaults: ProxyDefaults; admin: Address },
): RestoredProxies {
  const leftOut: LeftOut[] = [];
  const names = new Set<string>();
  const starts = new Map<string, Start>(
    files.map((spec) => [spec.name, { spec, owner: "file", filed: spec, patient: false }]),
  );
  /** By proxy: what is to blame if its address turns out to be taken. */
  const moves = new Map<string, LeftOut>();
  const attempt = (left: LeftOut & { readonly entry: { readonly proxy: string } }, run: () => void): void => {
    const why = attempted(run);
    if (why !== null) leftOut.push({ ...left, why });
    else names.add(left.entry.proxy);
  };
  for (const entry of all("removal", state.removed, state)) {
    const file = starts.get(entry.proxy)?.filed;
    if (file === undefined) continue;
    attempt({ what: "removal", why: "", entry }, () => {
      const now = addressesOf(file);
      if (now.listen !== entry.listen || now.upstream !== entry.upstream)
        throw new Error("the file has other addresses for it now, so it is there again");
      starts.delete(entry.proxy);
    });
  }
  for (const entry of all("change", state.changed, state).flatMap(oneByOne)) {
    const left = { what: "change", why: "", entry } as const;
    attempt(left, () => {
      const start = starts.get(entry.proxy);
      if (start?.filed === undefined) throw new Error("the file has no proxy of that name any more");
      const spec = changed(start.spec, start.filed, entry, types);
      starts.set(entry.proxy, { ...start, spec, patient: start.patient || entry.listen !== undefined });
      if (entry.listen !== undefined) moves.set(entry.proxy, left);
    });
  }
  for (const entry of all("proxy", state.proxies, state)) {
    const left = { what: "proxy", why: "", entry } as const;
    attempt(left, () => {
      const there = starts.get(entry.proxy);
      if (there?.owner === "api") throw new Error("a newer one of that name was restored");
      if (there !== undefined && !entry.over_file)
        throw new Error("the file has a proxy of that name now, which prevails");
      if (there === undefined && starts.size >= PROXIES_MAX)
        throw new Error(`the file has so many that there would be more than ${PROXIES_MAX}`);
      const spec = ofApi(entry, there?.filed, types, defaults);
      const { filed } = there ?? {};
      starts.set(entry.proxy, {
        spec,
        owner: "api",
        patient: true,
        ...(filed === undefined ? {} : { filed }),
      });
      moves.set(entry.proxy, left);
    });
  }
  // What the file moved back may be in the way of what the API made, so that comes last.
  for (const owner of ["file", "api"] as const) {
    for (const [name, left] of moves) {
      const start = starts.get(name);
      const why = start?.owner === owner ? occupied(start.spec, starts, admin) : null;
      if (start === undefined || why === null) continue;
      leftOut.push({ ...left, why });
      if (start.filed === undefined) starts.delete(name);
      else if (owner === "api")
        starts.set(name, { spec: start.filed, owner: "file", filed: start.filed, patient: false });
      else starts.set(name, movedBack(start, start.filed));
    }
  }
  return { starts: [...starts.values()], names: [...names], leftOut };
}

/** Each setting for itself: where the file says something new about one, the others need not go. */
function oneByOne({ proxy, listen, asked, upstream, enabled, toxics }: KeptChange): KeptChange[] {
  return [
    ...(listen === undefined ? [] : [{ proxy, listen, ...(asked === undefined ? {} : { asked }) }]),
    ...(upstream === undefined ? [] : [{ proxy, upstream }]),
    ...(enabled === undefined ? [] : [{ proxy, enabled }]),
    ...(toxics === undefined ? [] : [{ proxy, toxics }]),
  ];
}

function movedBack({ spec, ...start }: Start, filed: FileProxy): Start {
  const { listen, upstream } = addressesOf(filed);
  const given = { listen, upstream: spec.given?.upstream ?? upstream };
  return { ...start, spec: { ...spec, listen: filed.listen, given }, patient: false };
}

/** Who has its address, if the configuration or something newer wants that for something else; null for nobody. */
function occupied(spec: FileProxy, starts: ReadonlyMap<string, Start>, admin: Address): string | null {
  if (spec.enabled === false) return null;
  if (spec.protocol !== "udp" && clash(spec.listen, admin)) return "the admin port has its address now";
  const kinds = (of: FileProxy): string[] =>
    of.protocol === "udp" ? ["udp"] : of.protocol === "dns" ? ["tcp", "udp"] : ["tcp"];
  for (const { spec: other } of starts.values()) {
    if (other.name === spec.name || other.enabled === false || !clash(other.listen, spec.listen)) continue;
    if (kinds(other).some((kind) => kinds(spec).includes(kind)))
      return `the proxy ${JSON.stringify(other.name)} has its address now`;
  }
  return null;
}

function givenOf(
  listen: string,
  upstream: string,
  asked: string | undefined,
): NonNullable<ProxySpec["given"]> {
  return { listen, upstream, ...(asked === undefined ? {} : { asked: parseListen(asked) }) };
}

/** The API's own; of one that was the file's, what the API does not know is as the file has it. */
function ofApi(
  entry: KeptProxy,
  file: FileProxy | undefined,
  types: Types,
  defaults: ProxyDefaults,
): FileProxy {
  const { proxy: name, listen, asked, upstream, enabled, toxics } = entry;
  if (entry.rest_from_file && file === undefined)
    throw new Error("the file has no proxy of that name any more, and all but its addresses was from there");
  const own: FileProxy = specOf({ name, listen, upstream, enabled, toxics }, defaults);
  const base = entry.rest_from_file && file !== undefined ? file : own;
  const { enabled: _enabled, faults: _faults, ...rest } = base;
  const faults = readToxics(toxics, types);
  return {
    ...rest,
    listen: own.listen,
    upstream: own.upstream,
    given: givenOf(listen, upstream, asked),
    ...(enabled ? {} : { enabled: false }),
    ...(faults.length === 0 ? {} : { faults }),
  };
}

/** A proxy of the file as the API had changed it. Where the file says something else than it did then, the file prevails. */
function changed(spec: FileProxy, filed: FileProxy, entry: KeptChange, types: Types): FileProxy {
  const file = addressesOf(filed);
  const still = (what: string, was: unknown, is: unknown): void => {
    if (JSON.stringify(was) !== JSON.stringify(is))
      throw new Error(`the file says something else about its ${what} now, which prevails`);
  };
  const { listen, upstream, enabled, toxics } = entry;
  if (listen !== undefined) still("listen", listen.file, file.listen);
  if (upstream !== undefined) still("upstream", upstream.file, file.upstream);
  if (enabled !== undefined) still("enabled", enabled.file, filed.enabled ?? true);
  if (toxics !== undefined) still("toxics", toxics.file, viewsOf(filed.faults));
  const given =
    listen === undefined && upstream === undefined
      ? undefined
      : {
          ...spec.given,
          ...givenOf(
            listen?.now ?? spec.given?.listen ?? file.listen,
            upstream?.now ?? spec.given?.upstream ?? file.upstream,
            entry.asked,
          ),
        };
  return {
    ...spec,
    ...(listen === undefined ? {} : { listen: parseListen(listen.now) }),
    ...(upstream === undefined ? {} : { upstream: parseUpstream(upstream.now).address }),
    ...(given === undefined ? {} : { given }),
    ...(enabled === undefined ? {} : { enabled: enabled.now }),
    ...(toxics === undefined ? {} : { faults: readToxics(toxics.now, types) }),
  };
}

function viewsOf(faults: readonly CompiledFault[] = []): unknown[] {
  return faults.map(toxicView);
}

// -- what is on -----------------------------------------------------------------------------------

export interface RestoredActive {
  readonly restored: readonly string[];
  readonly over: readonly { readonly activation: string; readonly why: "expired" | "finished" }[];
  readonly leftOut: readonly LeftOut[];
}

/** `asConfigured` switches on what the configuration wants: until the API says otherwise, or the configuration itself does. */
export function restoreActive(
  state: State,
  activate: readonly ActivationConfig[],
  control: Pick<Control, "resume" | "active" | "activeOwner">,
  asConfigured: () => void,
): RestoredActive {
  const { active } = state;
  const older = all("activation", [], state);
  const same = active !== null && JSON.stringify(active.activate) === JSON.stringify(activate);
  const entries = [...(active?.activations ?? []), ...older];
  if (!same) asConfigured();
  if (active !== null && !same) {
    const why = "`activate` in the configuration says something else now, which prevails";
    const leftOut = entries.map((entry): LeftOut => ({ what: "activation", why, entry }));
    return { restored: [], over: [], leftOut };
  }
  const restored: string[] = [];
  const over: { activation: string; why: "expired" | "finished" }[] = [];
  const leftOut: LeftOut[] = [];
  for (const entry of entries) {
    const why = attempted(() => {
      if (control.active().activations.some(({ id }) => id === entry.id))
        throw new Error("one of that id is on again already");
      const ended = control.resume(inputOf(entry), lifeOf(entry));
      if (ended === null) restored.push(entry.id);
      else over.push({ activation: entry.id, why: ended });
    });
    if (why !== null) leftOut.push({ what: "activation", why, entry });
  }
  if (same || restored.length > 0) control.activeOwner = "api";
  return { restored, over, leftOut };
}

function inputOf({
  id,
  profile,
  faults,
  params,
  seed,
  proxies,
  mode,
  ttl_ms,
}: KeptActivation): ActivationInput {
  return {
    what: faults === undefined ? { profile: profile ?? id } : { faults: locate(faults, "state", "faults") },
    params,
    seed,
    mode,
    ...(proxies === undefined ? {} : { proxies }),
    ...(ttl_ms === undefined ? {} : { ttl: ttl_ms }),
  };
}

function lifeOf({ id, started, seeded }: KeptActivation): { id: string; startedAt: number; seeded: boolean } {
  return { id, startedAt: Date.parse(started), seeded };
}
