/**
 * The one table of toxics: which fault each is, what attributes it has, and how their units become ours.
 * Toxiproxy counts in whole milliseconds, microseconds, bytes, and kilobytes of 1000 bytes a second.
 */
import { SquallError } from "../../core/errors.js";
import { DURATION_MAX, RATE_MAX, SIZE_MAX, shown } from "../../faults/params.js";
import { badBody, fieldsOf, type Fields } from "./fields.js";

export type Attributes = Readonly<Record<string, number | string>>;

/** A number within bounds, whole unless fractions are meant, 0 if it is not given. */
interface NumberRule {
  readonly min?: number;
  readonly max: number;
  /** Not only whole ones. */
  readonly fractions?: true;
}

/** One of these words; not part of an answer where it was not given, since Toxiproxy does not know it. */
interface WordRule {
  readonly words: readonly string[];
}

interface ToxicType {
  /** The type of fault that it is. */
  readonly fault: string;
  /** In the order of the answers. */
  readonly attributes: Readonly<Record<string, NumberRule | WordRule>>;
  /** The parameters of the fault, as people write them. */
  readonly params: (attributes: (name: string) => number, words: Attributes) => Record<string, unknown>;
  /** What is wrong with them together. */
  readonly check?: (attributes: (name: string) => number) => string | undefined;
}

const MILLIS: NumberRule = { max: DURATION_MAX };
const BYTES: NumberRule = { max: SIZE_MAX };
const SHARE: NumberRule = { max: 1, fractions: true };

export const TOXIC_TYPES: Readonly<Record<string, ToxicType>> = {
  latency: {
    fault: "latency",
    attributes: { latency: MILLIS, jitter: MILLIS },
    params: (of) => ({ delay: `${of("latency")}ms`, jitter: `${of("jitter")}ms`, distribution: "uniform" }),
  },
  bandwidth: {
    fault: "bandwidth",
    attributes: { rate: { max: Number.MAX_SAFE_INTEGER } },
    // Clients write the largest number of their language for "no limit"; no link feels one as high as ours.
    params: (of) => ({ rate: `${Math.min(of("rate") * 1_000, RATE_MAX)}B/s` }),
  },
  slow_close: {
    fault: "slow_close",
    attributes: { delay: MILLIS },
    params: (of) => ({ delay: `${of("delay")}ms` }),
  },
  timeout: {
    fault: "timeout",
    attributes: { timeout: MILLIS, since: { words: ["start", "last_byte"] } },
    params: (of, { since }) => ({
      ...(of("timeout") === 0 ? {} : { after: `${of("timeout")}ms` }),
      ...(since === undefined ? {} : { since }),
    }),
  },
  reset_peer: {
    fault: "reset",
    attributes: { timeout: MILLIS, since: { words: ["start", "first_byte"] } },
    // At once means with the first byte: a request is carried out then, and its answer is what gets lost.
    params: (of, { since }) => ({
      after: `${of("timeout")}ms`,
      meanwhile: "swallow",
      since: since ?? (of("timeout") === 0 ? "first_byte" : "start"),
    }),
  },
  slicer: {
    fault: "slicer",
    attributes: {
      average_size: { min: 1, max: SIZE_MAX },
      size_variation: BYTES,
      delay: { max: DURATION_MAX * 1_000 },
    },
    params: (of) => ({
      size: `${of("average_size")}B`,
      // As wide as the average itself would make slices of nothing.
      variation: `${Math.min(of("size_variation"), of("average_size") - 1)}B`,
      gap: `${of("delay")}us`,
    }),
    check: (of) =>
      of("size_variation") > of("average_size")
        ? `size_variation must be at most average_size (${of("average_size")}), got ${of("size_variation")}`
        : undefined,
  },
  limit_data: {
    fault: "truncate",
    attributes: { bytes: BYTES },
    params: (of) => ({ after: `${of("bytes")}B`, then: "close", silent: "wait" }),
  },
  // Of versions of Toxiproxy that are newer than 2.12.
  packet_loss: {
    fault: "packet_loss",
    attributes: { loss_rate: SHARE, correlation: SHARE },
    params: (of) => ({
      loss: `${of("loss_rate") * 100}%`,
      burst: meanBurst(of("loss_rate"), of("correlation")),
      // The kernel knows no streams and no toxicity.
      engine: "model",
    }),
  },
  noop: { fault: "noop", attributes: {}, params: () => ({}) },
};

const BURST_MAX = 1_000;

/**
 * How many segments are lost in a row in the mean, if each loss makes the next one more likely by its correlation (a loss is
 * followed by another with p + c (1 - p), as of netem's): 1 where each is lost or not by itself.
 */
function meanBurst(loss: number, correlation: number): number {
  if (correlation === 0) return 1;
  return Math.max(1, Math.min(BURST_MAX, Math.round(1 / ((1 - loss) * (1 - correlation)))));
}

/** Throws as Toxiproxy does for a type that it does not know. */
export function toxicType(name: string): ToxicType {
  const type = Object.hasOwn(TOXIC_TYPES, name) ? TOXIC_TYPES[name] : undefined;
  if (type !== undefined) return type;
  throw new SquallError("SQ_BAD_REQUEST", "invalid toxic type");
}

/** All attributes of the type: those that are given now, over those that were. Whatever else is given is ignored. */
export function readAttributes(type: ToxicType, given: unknown, before: Attributes = {}): Attributes {
  const fields: Fields = fieldsOf(given ?? null, "attributes");
  const attributes: Record<string, number | string> = {};
  for (const [name, rule] of Object.entries(type.attributes)) {
    const value = fields.get(name);
    if ("words" in rule) {
      const word = value === undefined ? before[name] : wordOf(name, value, rule);
      if (word !== undefined) attributes[name] = word;
    } else {
      attributes[name] = numberWithin(name, value ?? before[name] ?? 0, rule);
    }
  }
  const mistake = type.check?.(numbersOf(attributes));
  if (mistake !== undefined) throw badBody(mistake);
  return attributes;
}

export function faultParams(type: ToxicType, attributes: Attributes): Record<string, unknown> {
  return type.params(numbersOf(attributes), attributes);
}

function numbersOf(attributes: Attributes): (name: string) => number {
  return (name) => Number(attributes[name] ?? 0);
}

function numberWithin(name: string, value: unknown, { min = 0, max, fractions }: NumberRule): number {
  const whole = fractions !== true;
  if (typeof value !== "number" || (whole && Number.isFinite(value) && !Number.isInteger(value))) {
    throw badBody(`expected a ${whole ? "whole number" : "number"} for ${name}, got ${shown(value)}`);
  }
  if (value < min) throw badBody(`${name} must be at least ${min}, got ${value}`);
  if (value > max) throw badBody(`${name} must be at most ${max}, got ${value}`);
  // -0 is written as 0 as well.
  return value + 0;
}

function wordOf(name: string, value: unknown, { words }: WordRule): string {
  if (typeof value === "string" && words.includes(value)) return value;
  throw badBody(`expected ${words.join(" or ")} for ${name}, got ${shown(value)}`);
}
