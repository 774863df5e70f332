/** The text of a profile with all that it builds on, by its hash: made from a library, written, read, and made a library again. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { LAYERS, type Layer } from "../config/layers.js";
import { Library } from "../config/library.js";
import { locate } from "../config/located.js";
import { Problems } from "../config/problems.js";
import { text } from "../config/shapes.js";
import { check } from "../config/validate.js";
import type { AnyFaultType } from "../faults/contract/index.js";
import { formatSize } from "../core/units.js";
import { shown } from "../faults/params.js";
import { TEXT_MAX, type FleetText } from "./contract/plan.js";
import { inWords, invalid, otherFormat, readJson } from "./plan-format.js";

export const TEXT_FORMAT = "squall-profile/1";

/**
 * Names of one text. A profile may build on the one of its own name beneath it; where a name is needed twice, each key says in which layer
 * its profile lay: `wan@file`, `wan@library`. What the API made has the plain name.
 */
const textShape = z.strictObject({
  format: z.literal(TEXT_FORMAT),
  profile: text().min(1),
  files: z.record(z.string(), text()),
});

/** The name that a plan calls these bytes by. */
export function nameOfText(bytes: Uint8Array): string {
  return `sha256:${hashOf(bytes)}`;
}

/** 64 hexadecimal digits. */
export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Of a name that `readPlan` has let pass. */
export function hashIn(name: string): string {
  return name.slice("sha256:".length);
}

/** Throws SQ_INVALID_FLEET_PLAN. */
export function writeText({ format, profile, files }: FleetText): Uint8Array {
  const sorted = Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
  const bytes = new TextEncoder().encode(JSON.stringify({ format, profile, files: sorted }));
  if (bytes.length > TEXT_MAX)
    throw invalid(
      `the text of ${shown(profile)}: expected at most ${formatSize(TEXT_MAX)}, got ${bytes.length} bytes`,
    );
  return bytes;
}

/** `name` is the one of the plan. Throws SQ_INVALID_FLEET_PLAN, also where these are not the bytes of that name. */
export function readText(bytes: Uint8Array, name: string): FleetText {
  if (bytes.length > TEXT_MAX)
    throw invalid(`the text ${name}: expected at most ${formatSize(TEXT_MAX)}, got ${bytes.length} bytes`);
  const found = nameOfText(bytes);
  if (found !== name) throw invalid(`the text ${name} has the hash ${found}`);
  const value = readJson(bytes, "the text of a profile");
  const format = Reflect.get(value, "format") as unknown;
  if (format !== TEXT_FORMAT) throw otherFormat(format, TEXT_FORMAT);
  const problems = new Problems();
  const read = check(textShape, locate(value, "text"), problems);
  if (read === undefined) throw invalid(`the text ${name}: ${inWords(problems)}`);
  return read;
}

/** Throws SQ_PROFILE_NOT_FOUND, with the nearest name. */
export function textOfProfile(profile: string, library: Library): FleetText {
  library.find(profile);
  const lineage = library.lineage(profile);
  const names = lineage.map(({ source }) => source.name);
  const layered = new Set(names).size < names.length;
  const files = lineage.map(({ source, layer }) => [
    layered && layer !== "memory" ? `${source.name}@${layer}` : source.name,
    source.text,
  ]);
  return { format: TEXT_FORMAT, profile, files: Object.fromEntries(files) as Record<string, string> };
}

/** Throws SQ_INVALID_PROFILE, with all mistakes and their places. */
export function libraryOf({ files }: FleetText, types: ReadonlyMap<string, AnyFaultType>): Library {
  const library = new Library(types);
  const parts = Object.entries(files).map(([key, yaml]) => ({ ...layerOf(key), file: key, text: yaml }));
  const filed = parts.filter(({ layer }) => layer !== "memory");
  if (filed.length > 0)
    library.replaceFiles(
      filed.map(({ file, text, layer }) => ({
        file,
        text,
        origin: layer === "library" ? "library" : "named",
      })),
    );
  const made = parts.filter(({ layer }) => layer === "memory");
  if (made.length > 0)
    library.putAll(
      made.map(({ text }) => text),
      "fleet",
    );
  return library;
}

function layerOf(key: string): { readonly layer: Layer } {
  const suffix = key.includes("@") ? key.slice(key.lastIndexOf("@") + 1) : "memory";
  return { layer: LAYERS.find((layer) => layer === suffix) ?? "memory" };
}
