/** What the view of a fleet says of its daemons: who stands how, who is in trouble, and where each one's own page is. Pure. */
import type { FleetActivation, FleetTargets } from "../../fleet/contract/plan.js";
import type { MemberState, Presence } from "../../fleet/contract/presence.js";
import type { ShippingView } from "../../fleet/contract/journal.js";
import { duration } from "../format.js";
import { seen } from "../text.js";
import type { Deed } from "../deeds.js";

export type Member = Omit<Presence, "namesakes"> & { readonly age_seconds: number };

/** As `GET /fleet` answers. */
export interface FleetAnswer {
  readonly name: string;
  /** The one that serves this page. */
  readonly daemon: string;
  readonly me: Pick<Member, "daemon" | "life">;
  readonly engine: string;
  readonly control: boolean;
  readonly connected: boolean;
  readonly problem: string | null;
  readonly plan: {
    readonly serial: number;
    readonly age_seconds: number | null;
    readonly by: string;
    readonly why: string | null;
    readonly activations: readonly FleetActivation[];
  } | null;
  readonly time: string | null;
  readonly journal: ShippingView;
  readonly members: readonly Member[] | null;
  /** Names that several daemons go by. */
  readonly warnings: readonly string[];
}

/** `silent`: it was not heard when it should have been. `behind`: its state is about an earlier plan. */
export type Standing = MemberState | "silent" | "behind";

/** Daemons say something every ten seconds; one that is late by half of that may just be slow. */
const SILENT_SECONDS = 15;

export function standingOf({ state, serial, age_seconds }: Member, plan: number | null): Standing {
  if (age_seconds > SILENT_SECONDS) return "silent";
  if (state !== "refused" && plan !== null && serial < plan) return "behind";
  return state;
}

interface Look {
  readonly word: string;
  readonly deed: Deed;
  readonly trouble: boolean;
}

/** A shape and a word for each: no colour is needed to tell them apart. */
export const LOOKS: Readonly<Record<Standing, Look>> = {
  refused: { word: "refused", deed: "down", trouble: true },
  silent: { word: "silent", deed: "failed", trouble: true },
  healed_here: { word: "healed there", deed: "observed", trouble: true },
  behind: { word: "behind", deed: "late", trouble: false },
  prepared: { word: "prepared", deed: "late", trouble: false },
  applied: { word: "applied", deed: "changed", trouble: false },
  idle: { word: "idle", deed: "fine", trouble: false },
};

/** Also of a daemon of another version, which may stand in a way that this page does not know. */
export function lookOf(standing: Standing): Look {
  return (
    (LOOKS as Readonly<Record<string, Look | undefined>>)[standing] ?? {
      word: seen(String(standing), 40),
      deed: "failed",
      trouble: true,
    }
  );
}

export interface Row {
  readonly member: Member;
  readonly standing: Standing;
  /** Others go by its name. */
  readonly shared: boolean;
}

/** Those in trouble first, and then by name. */
export function rowsOf(members: readonly Member[], plan: number | null): readonly Row[] {
  const isShared = ({ daemon, life }: Member): boolean =>
    members.some((other) => other.daemon === daemon && other.life !== life);
  return members
    .map((member) => ({ member, standing: standingOf(member, plan), shared: isShared(member) }))
    .sort(
      (one, other) =>
        Number(lookOf(other.standing).trouble) - Number(lookOf(one.standing).trouble) ||
        (one.member.daemon < other.member.daemon ? -1 : 1),
    );
}

/** `98 applied, 1 refused, 1 silent` */
export function sumOf(rows: readonly Row[]): string {
  const counts = new Map<string, number>();
  for (const { standing } of rows) {
    const { word } = lookOf(standing);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts]
    .sort((one, other) => other[1] - one[1])
    .map(([word, count]) => `${count} ${word}`)
    .join(", ");
}

/** Of a daemon's own page. What it announced may be anything: null unless it is an address of the web without a password in it. */
export function pageOf({ admin }: Pick<Presence, "admin">): string | null {
  if (admin === null || !URL.canParse(admin)) return null;
  const url = new URL(admin);
  if (!/^https?:$/u.test(url.protocol) || url.username !== "" || url.password !== "") return null;
  return `${url.origin}/ui/`;
}

/** `all daemons`, `node-*, zone=eu-1, 50 %` */
export function targetsText({ daemons, labels, percent }: FleetTargets): string {
  const parts = [
    ...daemons,
    ...Object.entries(labels).map(([label, value]) => `${label}=${value}`),
    ...(percent < 100 ? [`${percent} %`] : []),
  ];
  return parts.length === 0 ? "all daemons" : parts.join(", ");
}

/** `+0.4 ± 1.2 ms`: the engine's clock against the daemon's. */
export function offsetText({
  offset_ms: offset,
  error_ms: error,
}: Pick<Presence, "offset_ms" | "error_ms">): string {
  if (offset === null) return "not known";
  const sign = offset < 0 ? "−" : "+";
  return `${sign}${duration(Math.abs(offset))}${error === null ? "" : ` ± ${duration(error)}`}`;
}
