/**
 * Draws that nobody noted, made again from their names. A draw by a key can be, where the journal has the key or what it is a hash of.
 * One by the subject's number cannot: which of its bot's it was is counted as they come, and kept by nobody. Pure.
 */
import { admissionDraw, keyedDrawKey } from "../core/random.js";
import type { DrawnBy, DrawReason } from "../core/verdict-reasons.js";
import { textHash } from "../plan/draw-by.js";
import type { CompiledFault } from "../plan/value.js";

/** Whose draw, and for whom. */
export interface PastSubject {
  readonly seed: number;
  readonly activation: string;
  readonly phase: string;
  /** How often its phases are gone through; anything but 1 leaves open which pass it was. */
  readonly repeat: number | "forever";
  readonly proxy: string;
  readonly bot: string;
  readonly path: string | null;
  /** Of a question. */
  readonly name: string | null;
}

/** `drawnBy`: what the journal says of its hit, if it has one. Null where nothing is drawn, or it cannot be made again. */
export function pastDraw(
  fault: CompiledFault,
  drawnBy: DrawnBy | undefined,
  of: PastSubject,
): DrawReason | null {
  const { probability = 1 } = fault.when;
  if (fault.draw === undefined || typeof probability !== "number") return null;
  if (probability <= 0 || probability >= 1) return null;
  if (of.phase !== "" && of.repeat !== 1) return null;
  const by = drawnBy ?? keyFrom(fault.draw, of);
  if (by === null || by.key === null) return null;
  const { seed, activation, phase, proxy, bot } = of;
  const key = keyedDrawKey({
    seed,
    activation,
    phase,
    pass: 0,
    fault: fault.name,
    proxy,
    bot,
    by: by.by,
    key: by.key,
  });
  return { probability, drawn: admissionDraw(key, (by.attempt ?? 1) - 1), by };
}

/** Of attempts it is not known which it was; of headers and bodies the journal has nothing. */
function keyFrom(
  { by, attempt }: NonNullable<CompiledFault["draw"]>,
  { path, name }: PastSubject,
): DrawnBy | null {
  if (attempt === true) return null;
  const key =
    by === "path" ? textHash(path ?? undefined) : by === "name" ? textHash(name ?? undefined) : null;
  return key === null ? null : { by, key };
}

/** Why it cannot be told whether it was hit, in words. */
export function whyUnknown({ draw, when }: CompiledFault): string {
  const { probability = 1, skip, every, count, only } = when;
  if (draw?.attempt === true)
    return "nobody was watching, and which attempt with its key this was is not kept";
  if (draw !== undefined)
    return `nobody was watching, and the ${draw.by.replace(/^header:/u, "header ")} that it is drawn by is not in the journal`;
  if (skip !== undefined || every !== undefined || count !== undefined || only !== undefined)
    return "nobody was watching, and which of those that match this was is not kept";
  if (probability !== 1)
    return "nobody was watching, and its draw is named by which of its bot's this was, which is not kept: squall draws lists all of them";
  return "nobody was watching, and the journal has not all that match asks for";
}
