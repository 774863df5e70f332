/**
 * A kind: one way in which a call can go wrong, as data. The table of kinds is what a sweep knows of faults: where each makes sense, the
 * fault that does it to exactly one call, and what an honest client may do afterwards.
 */
import type { Ordinal } from "../contract/case.js";
import type { FaultInput } from "../contract/run.js";
import type { Site } from "../contract/site.js";

export type Protocol = Site["protocol"];
export type SiteOf<P extends Protocol> = Extract<Site, { protocol: P }>;

export const PRESETS = ["quick", "default", "all"] as const;
export type Preset = (typeof PRESETS)[number];

/** What is fair to expect of a client; for the proxy's own invariants, and never for the exit code. */
export interface Expectation {
  /** Whether the upstream does the work that it was asked for, once, never or twice. */
  readonly done: "once" | "never" | "twice";
  /** What the client is told: that something is wrong, something else than is true, or nothing out of the ordinary. */
  readonly told: "failure" | "untruth" | "nothing";
  /** What the client should do next. */
  readonly next:
    | "go on"
    /** Ask again, whatever it was: nothing was done. */
    | "repeat"
    /** Ask again if that is safe, or with the same key: it may have been done. */
    | "repeat if safe or keyed"
    /** Ask again, but not before the time that it was told. */
    | "wait and repeat"
    /** Get another token, once, and ask again. */
    | "refresh and repeat"
    /** Not use what it got. */
    | "distrust"
    /** Not go on; to say that it failed is right as well. */
    | "refuse";
  /** For `wait and repeat`, in milliseconds. */
  readonly wait?: number;
}

/** What is known beyond the site when a fault is made. */
export interface KindOptions {
  /** How long the client waits for an answer at a site, in milliseconds, as far as runs have shown. */
  readonly timeouts: ReadonlyMap<string, number>;
  /** Waits longer than most clients do, where nothing is known. */
  readonly slow: boolean;
  /** How long an outage lasts, in milliseconds: longer than the server waits for a client that is away. */
  readonly outage: number;
}

export const NO_OPTIONS: KindOptions = { timeouts: new Map(), slow: false, outage: 10_000 };

/** A fault without whom it is aimed at: `name`, `proxy`, `match` and `when` come with the cell. */
export interface Blow {
  readonly type: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** The calls behind the one that is hit, in place of it: `[1, 2]` are the two next. */
  readonly behind?: readonly number[];
  /** From the call on that is hit, calls of the site by whatever bot for so many milliseconds. */
  readonly lasts?: number;
}

export interface Kind<P extends Protocol = Protocol> {
  /** One short word. */
  readonly name: string;
  readonly protocol: P;
  /** A sentence: what happens to the call. */
  readonly what: string;
  /** The smallest preset that has it. */
  readonly preset: Preset;
  /** `applies` in words. */
  readonly where: string;
  readonly applies: (site: SiteOf<P>) => boolean;
  /** It is done to all calls of the site; otherwise to one of them. */
  readonly to?: "all";
  /** The only call that it can be done to, where not any will do. */
  readonly at?: (site: SiteOf<P>) => number | null;
  /** Only the first and the last of the calls that others would be tried at: it takes long. */
  readonly ends?: boolean;
  readonly blows: (site: SiteOf<P>, options: KindOptions) => readonly [Blow, ...Blow[]];
  readonly expects: Expectation;
}

/** A kind with its protocol forgotten, and with it what the compiler knew: `applies` says first whether a site is of that protocol. */
export interface AnyKind extends Omit<Kind, "applies" | "at" | "blows"> {
  readonly applies: (site: Site) => boolean;
  /** The ordinals of the site at which it can be tried. */
  readonly ordinals: (site: Site, whole?: boolean) => readonly Ordinal[];
  /** The faults that do it to one call, or to all of `ordinal`. */
  readonly faults: (site: Site, ordinal: Ordinal, options?: KindOptions) => readonly FaultInput[];
}
