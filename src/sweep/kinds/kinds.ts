/** All kinds, by protocol and in the order of tables; and which of them make sense at a site. */
import { didYouMean } from "../../core/suggest.js";
import type { Ordinal } from "../contract/case.js";
import type { FaultInput } from "../contract/run.js";
import type { Site } from "../contract/site.js";
import { aimed } from "./aiming.js";
import { DNS_KINDS, UDP_KINDS } from "./datagrams.js";
import { HTTP_KINDS } from "./http.js";
import {
  NO_OPTIONS,
  PRESETS,
  type AnyKind,
  type Kind,
  type KindOptions,
  type Preset,
  type Protocol,
  type SiteOf,
} from "./kind.js";
import { ALL, ordinalsOf } from "./ordinals.js";
import { TCP_KINDS } from "./tcp.js";
import { TLS_KINDS } from "./tls.js";

export const KINDS: readonly AnyKind[] = [
  ...HTTP_KINDS.map(forgetting),
  ...TCP_KINDS.map(forgetting),
  ...TLS_KINDS.map(forgetting),
  ...UDP_KINDS.map(forgetting),
  ...DNS_KINDS.map(forgetting),
];

/** Names, each once: several protocols have a `lost`. */
export const KIND_NAMES: readonly string[] = [...new Set(KINDS.map(({ name }) => name))];

/** What to tell who named a kind that there is not, `others` being words that could have been meant as well. */
export function unknownKind(name: string, others: readonly string[] = []): string {
  const words = [...others, ...KIND_NAMES];
  const hint = didYouMean(name, words) ?? `there are ${words.join(", ")}`;
  return `no kind is called ${JSON.stringify(name)}; ${hint}`;
}

/** Names of a preset, and of the smaller ones. */
export function kindsIn(preset: Preset): readonly string[] {
  return KINDS.filter((kind) => PRESETS.indexOf(kind.preset) <= PRESETS.indexOf(preset)).map(
    ({ name }) => name,
  );
}

export function kindOf(protocol: Protocol, name: string): AnyKind | undefined {
  return KINDS.find((kind) => kind.protocol === protocol && kind.name === name);
}

/** Those of a preset, and of the smaller ones, that apply at a site; `names` takes the place of the preset. */
export function kindsAt(site: Site, preset: Preset, names?: ReadonlySet<string>): readonly AnyKind[] {
  return KINDS.filter(
    (kind) =>
      (names === undefined
        ? PRESETS.indexOf(kind.preset) <= PRESETS.indexOf(preset)
        : names.has(kind.name)) && kind.applies(site),
  );
}

/** By which it shows whether a server knows a call again: the site's first call is carried out twice. Null where that makes no sense. */
export function repeatedCall(site: Site): readonly FaultInput[] | null {
  const twice = kindOf(site.protocol, "twice");
  return twice?.applies(site) === true ? twice.faults(site, { word: "first", nth: 1 }) : null;
}

function forgetting<P extends Protocol>(kind: Kind<P>): AnyKind {
  const isOwn = (site: Site): site is SiteOf<P> => site.protocol === kind.protocol;
  return {
    ...kind,
    applies: (site) => isOwn(site) && kind.applies(site),
    ordinals: (site, whole = false) => {
      if (!isOwn(site)) return [];
      if (kind.to === "all") return [ALL];
      if (kind.at === undefined) {
        const all = ordinalsOf(site, whole);
        return kind.ends === true ? [...new Set([...all.slice(0, 1), ...all.slice(-1)])] : all;
      }
      const nth = kind.at(site);
      return nth === null ? [] : [{ word: "first", nth }];
    },
    faults: (site: Site, ordinal: Ordinal, options: KindOptions = NO_OPTIONS): readonly FaultInput[] => {
      if (!isOwn(site)) throw new TypeError(`${kind.name} is of ${kind.protocol}, and ${site.id} is not`);
      const whole = kind.to === "all" ? ALL : ordinal;
      return kind
        .blows(site, options)
        .map((blow, index) =>
          aimed(index === 0 ? kind.name : `${kind.name}-${index + 1}`, blow, site, whole),
        );
    },
  };
}
