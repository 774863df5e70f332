/** What is asked for of all cells: `--kinds`, `--skip-kinds`, `--only` and `--changed`, checked where they enter. */
import { didYouMean } from "../../core/suggest.js";
import type { Cell } from "../contract/case.js";
import type { Site } from "../contract/site.js";
import { KIND_NAMES, kindsIn, unknownKind } from "../kinds/kinds.js";
import { PRESETS, type Preset } from "../kinds/kind.js";
import type { SiteNames } from "./cases.js";

export interface Wanted {
  /** Names of kinds and of presets, which the run file has checked; none is the default preset. */
  readonly kinds: readonly string[];
  readonly skipKinds: readonly string[];
  /** `complete:lost`, `complete`, `*:lost`, `complete:lost:second`; none is all. */
  readonly only: readonly string[];
  /** Ids of the sites of an earlier sweep, which are left out; null for none. */
  readonly before: ReadonlySet<string> | null;
}

export const EVERYTHING: Wanted = { kinds: [], skipKinds: [], only: [], before: null };

/** Whoever says how long an outage lasts asks for one; `kinds` of the run file counts over that. */
export function kindsAskedFor({
  kinds,
  outage,
}: {
  readonly kinds: readonly string[];
  readonly outage: number | null;
}): readonly string[] {
  return kinds.length === 0 && outage !== null ? ["default", "outage"] : kinds;
}

export interface Selection {
  readonly preset: Preset;
  /** In place of the preset; undefined for no other. */
  readonly kinds: ReadonlySet<string> | undefined;
  /** Whether an ordinal was named by its number, so that all are to be planned. */
  readonly whole: boolean;
  readonly takes: (cell: Cell) => boolean;
}

/** Somebody asked for what there is not; the message says what there is. */
export class SelectionError extends Error {
  override readonly name = "SelectionError";
}

const ORDINALS = ["first", "second", "last", "all"] as const;

/** Throws SelectionError for words that name nothing. */
export function select(wanted: Wanted, sites: readonly Site[], names: SiteNames): Selection {
  const { preset, kinds } = kindsOf(wanted.kinds);
  const skipped = new Set(wanted.skipKinds);
  const only = wanted.only.map((text) => readOnly(text, sites, names));
  const { before } = wanted;
  // Whoever names a kind means it, whatever preset it is of.
  const named = new Set(only.flatMap(({ kind }) => kind ?? []));
  const whole = named.size === 0 ? { preset, kinds } : { preset: "all" as const, kinds: undefined };
  const inSet = (cell: Cell): boolean =>
    wanted.kinds.length === 0 || kinds === undefined || kinds.has(cell.kind);
  return {
    ...whole,
    whole: only.some((one) => one.ordinal !== null && /^\d/u.test(one.ordinal)),
    takes: (cell) =>
      !skipped.has(cell.kind) &&
      inSet(cell) &&
      (before === null || !before.has(cell.site.id)) &&
      (only.length === 0 || only.some((one) => isMeant(one, cell))),
  };
}

/** Ids of the sites that a report of an earlier sweep has; those that only faults brought about are not among them. Throws for what is none. */
export function sitesOfReport(report: unknown): ReadonlySet<string> {
  const sites = typeof report === "object" && report !== null && "sites" in report ? report.sites : null;
  if (!Array.isArray(sites)) throw new TypeError("it is no report of a sweep");
  return new Set(
    sites.flatMap((site: unknown) => {
      if (typeof site !== "object" || site === null || !("id" in site) || typeof site.id !== "string")
        return [];
      return "only_under_faults" in site && site.only_under_faults === true ? [] : [site.id];
    }),
  );
}

/** A number of presets is the largest of them; kinds beside them are added. */
function kindsOf(words: readonly string[]): {
  readonly preset: Preset;
  readonly kinds: ReadonlySet<string> | undefined;
} {
  const presets = PRESETS.filter((preset) => words.includes(preset));
  const names = words.filter((word) => !PRESETS.some((preset) => preset === word));
  const preset = presets.at(-1);
  if (names.length === 0) return { preset: preset ?? "default", kinds: undefined };
  return {
    preset: preset ?? "default",
    kinds: new Set([...names, ...(preset === undefined ? [] : kindsIn(preset))]),
  };
}

interface Only {
  /** Ids of sites; null for all. */
  readonly sites: ReadonlySet<string> | null;
  readonly kind: string | null;
  readonly ordinal: string | null;
}

/** Names of sites may have colons in them, so what is behind them is read from the end. */
function readOnly(text: string, sites: readonly Site[], names: SiteNames): Only {
  let rest = text.trim();
  let ordinal: string | null = null;
  let kind: string | null = null;
  if (sitesCalled(rest, sites, names).size === 0) {
    const taken = tailOf(rest, (word) => ORDINALS.some((one) => one === word) || /^[1-9]\d*$/u.test(word));
    // Some kinds are called by a status, such as 503: a number is an ordinal only behind a kind, or where no kind is called so.
    const isKind =
      taken !== null && KIND_NAMES.includes(taken.word) && tailOf(taken.rest, isKindName) === null;
    if (taken !== null && !isKind) ({ word: ordinal, rest } = taken);
    const named = tailOf(rest, isKindName);
    if (named !== null) ({ word: kind, rest } = named);
    else if (sitesCalled(rest, sites, names).size === 0) throw unknownPart(text, rest, sites, names);
  }
  if (rest === "" || rest === "*") return { sites: null, kind, ordinal };
  const found = sitesCalled(rest, sites, names);
  if (found.size === 0) throw unknownSite(text, rest, names);
  return { sites: found, kind, ordinal };
}

const isKindName = (word: string): boolean => KIND_NAMES.includes(word);

function tailOf(
  text: string,
  is: (word: string) => boolean,
): { readonly word: string; readonly rest: string } | null {
  const at = text.lastIndexOf(":");
  const word = text.slice(at + 1);
  return is(word) ? { word, rest: text.slice(0, Math.max(0, at)) } : null;
}

/** By its short name or its id; else all whose route is or ends in these words. */
function sitesCalled(text: string, sites: readonly Site[], names: SiteNames): ReadonlySet<string> {
  if (text === "" || text === "*") return new Set(sites.map(({ id }) => id));
  const exact = sites.filter(({ id }) => names.get(id) === text || id === text);
  if (exact.length > 0) return new Set(exact.map(({ id }) => id));
  const wanted = text.toLowerCase();
  const alike = sites.filter((site) => {
    if (site.protocol === "dns") return site.name === wanted;
    if (site.protocol !== "http") return site.proxy === text;
    const route = `${site.method} ${site.template}`.toLowerCase();
    return (
      route === wanted ||
      route.endsWith(wanted.startsWith("/") ? ` ${wanted}` : `/${wanted}`) ||
      site.operation === text
    );
  });
  return new Set(alike.map(({ id }) => id));
}

/** Neither a kind nor a site: which of them was meant is told by what is near. */
function unknownPart(text: string, rest: string, sites: readonly Site[], names: SiteNames): SelectionError {
  const at = rest.lastIndexOf(":");
  const before = rest.slice(0, Math.max(0, at));
  if (at >= 0 && sitesCalled(before, sites, names).size > 0) {
    const word = rest.slice(at + 1);
    return new SelectionError(`--only ${JSON.stringify(text)}: ${unknownKind(word)}`);
  }
  const named = tailOf(before, isKindName);
  if (named !== null && sitesCalled(named.rest, sites, names).size > 0) {
    const word = rest.slice(at + 1);
    const hint = didYouMean(word, ORDINALS) ?? `there are ${ORDINALS.join(", ")}, and numbers`;
    return new SelectionError(
      `--only ${JSON.stringify(text)}: no ordinal is called ${JSON.stringify(word)}; ${hint}`,
    );
  }
  return unknownSite(text, rest, names);
}

function unknownSite(text: string, site: string, names: SiteNames): SelectionError {
  const known = [...names.values()];
  const hint =
    didYouMean(site, known) ?? (known.length === 0 ? "no call was seen" : `there are ${known.join(", ")}`);
  return new SelectionError(
    `--only ${JSON.stringify(text)}: no site is called ${JSON.stringify(site)}; ${hint}`,
  );
}

function isMeant({ sites, kind, ordinal }: Only, cell: Cell): boolean {
  return (
    (sites === null || sites.has(cell.site.id)) &&
    (kind === null || kind === cell.kind) &&
    (ordinal === null || ordinal === cell.ordinal.word || ordinal === String(cell.ordinal.nth))
  );
}
