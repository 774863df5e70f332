/** What there is to keep: all in which the daemon differs from what its configuration says by itself. */
import { toxicView } from "../admin/toxiproxy/toxic.js";
import { formatAddress } from "../config/address.js";
import type { ActivationConfig } from "../config/config.js";
import type { Library } from "../config/library.js";
import type { Control } from "../control.js";
import type { LivePlan } from "../plan/live.js";
import type { ActivationValue, CompiledFault } from "../plan/value.js";
import type { FileProxy, ProxySet, Member } from "../proxy/proxy-set.js";
import { upstreamWords } from "../proxy/spec.js";
import {
  nameOf,
  type KeptActivation,
  type KeptActive,
  type KeptChange,
  type KeptProxy,
  type LeftOut,
  type State,
} from "./format.js";

export interface Sources {
  readonly proxySet: ProxySet;
  readonly plan: LivePlan;
  readonly library: Library;
  readonly control: Pick<Control, "activeOwner" | "switches">;
  readonly seed: number;
  /** What the configuration switches on. */
  readonly activate: readonly ActivationConfig[];
}

export function collect(
  { proxySet, plan, library, control, seed, activate }: Sources,
  unrestored: readonly LeftOut[],
): State {
  const toxics = (name: string): unknown[] => written(plan.toxicsOf(name));
  const members = proxySet.list();
  return {
    seed,
    profiles: library.entries
      .filter(({ layer }) => layer === "memory")
      .map(({ source }) => ({ profile: source.name, text: source.text.split("\n") })),
    proxies: members
      .filter(({ owner, passing }) => owner === "api" && passing !== true)
      .map(({ proxy }) => keptProxy(proxy, toxics(proxy.name), proxySet.filed.has(proxy.name))),
    changed: members.flatMap((member) => changeOf(member, toxics(member.proxy.name)) ?? []),
    removed: [...proxySet.filed.values()].filter(({ name }) => !proxySet.has(name)).map(addressesOf),
    active: control.activeOwner === "file" ? null : activeOf(plan, activate),
    unrestored,
  };
}

/** Toxics in the words of those who set them; no other faults can be set on a proxy. */
function written(faults: readonly CompiledFault[]): unknown[] {
  return faults.map(toxicView).filter((view) => view !== null);
}

function keptProxy(proxy: Member["proxy"], toxics: unknown[], overFile: boolean): KeptProxy {
  return {
    proxy: proxy.name,
    listen: proxy.listenText,
    ...askedOf(proxy),
    upstream: proxy.upstreamGiven,
    enabled: proxy.enabled,
    over_file: overFile,
    // Toxiproxy's calls make tcp proxies; what else there is of the API's was the file's before.
    rest_from_file: proxy.protocol !== "tcp",
    toxics,
  };
}

/** Where it was to listen, if that was any free port: it has one now, and still is what was asked for. */
function askedOf({ spec, address }: Member["proxy"]): { asked?: string } {
  const asked = spec.given?.asked ?? spec.listen;
  return asked.port === 0 && address.port !== 0 ? { asked: formatAddress(asked) } : {};
}

/** The addresses of a proxy as its file has them. */
export function addressesOf(filed: FileProxy): { proxy: string; listen: string; upstream: string } {
  const { name, listen, given } = filed;
  return { proxy: name, listen: given?.listen ?? formatAddress(listen), upstream: upstreamWords(filed) };
}

function changeOf({ proxy, owner, filed }: Member, toxics: unknown[]): KeptChange | null {
  if (owner !== "file" || filed === null) return null;
  const file = addressesOf(filed);
  const filedToxics = written(filed.faults ?? []);
  const { listen } = proxy.spec;
  const moved = listen.host !== filed.listen.host || listen.port !== filed.listen.port;
  const enabled = filed.enabled ?? true;
  const change: Omit<KeptChange, "proxy"> = {
    ...(moved ? { listen: { file: file.listen, now: proxy.listenText }, ...askedOf(proxy) } : {}),
    ...(proxy.upstreamGiven === file.upstream
      ? {}
      : { upstream: { file: file.upstream, now: proxy.upstreamGiven } }),
    ...(proxy.enabled === enabled ? {} : { enabled: { file: enabled, now: proxy.enabled } }),
    ...(JSON.stringify(toxics) === JSON.stringify(filedToxics)
      ? {}
      : { toxics: { file: filedToxics, now: toxics } }),
  };
  return Object.keys(change).length === 0 ? null : { proxy: proxy.name, ...change };
}

function activeOf(plan: LivePlan, activate: readonly ActivationConfig[]): KeptActive {
  // What the fleet has on is for the fleet to say after a restart.
  const own = plan.value.activations.filter(({ fleet }) => fleet === undefined);
  return { activate: [...activate], activations: own.map(keptActivation) };
}

function keptActivation(value: ActivationValue): KeptActivation {
  const { id, profile, written: faults, given, seed, seeded, proxies, mode, startedAt, ttl } = value;
  return {
    id,
    ...(faults === null ? { profile } : { faults: [...faults] }),
    params: { ...given },
    seed,
    seeded,
    ...(proxies === null ? {} : { proxies: [...proxies] }),
    mode,
    started: new Date(startedAt).toISOString(),
    ...(ttl === null ? {} : { ttl_ms: ttl }),
  };
}

/**
 * What could not be restored is kept until somebody says something newer about the same thing: makes or changes a proxy
 * or a profile of that name, or switches off or replaces all that is on.
 */
export class Leftovers {
  readonly #control: Sources["control"];
  readonly #switches: number;
  /** What was there under the same names just after the start. */
  readonly #before: ReadonlyMap<LeftOut, string>;
  #list: readonly LeftOut[];

  constructor(list: readonly LeftOut[], now: State, control: Sources["control"]) {
    this.#list = list;
    this.#control = control;
    this.#switches = control.switches;
    this.#before = new Map(list.map((left) => [left, namesakes(left, now)]));
  }

  get list(): readonly LeftOut[] {
    return this.#list;
  }

  /** Forgets those that are out of date now. */
  review(now: State): readonly LeftOut[] {
    if (this.#list.length > 0) this.#list = this.#list.filter((left) => !this.#isOld(left, now));
    return this.#list;
  }

  #isOld(left: LeftOut, now: State): boolean {
    if (left.what === "activation" && this.#control.switches !== this.#switches) return true;
    return this.#before.get(left) !== namesakes(left, now);
  }
}

/** What is kept under the same name, as a text to compare. */
function namesakes(left: LeftOut, { profiles, proxies, changed, removed, active }: State): string {
  const name = nameOf(left);
  switch (left.what) {
    case "profile":
      return JSON.stringify(profiles.filter(({ profile }) => profile === name));
    case "activation":
      return JSON.stringify((active?.activations ?? []).filter(({ id }) => id === name));
    default:
      return JSON.stringify([...proxies, ...changed, ...removed].filter(({ proxy }) => proxy === name));
  }
}
