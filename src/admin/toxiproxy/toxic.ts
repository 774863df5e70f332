/** A toxic in both forms: the JSON that clients write and read, and the fault of the proxy that it is. */
import { locate } from "../../config/located.js";
import { SquallError } from "../../core/errors.js";
import type { AnyFaultType, Direction } from "../../faults/contract/index.js";
import { compileFault } from "../../plan/compile.js";
import type { CompiledFault, ToxicValue } from "../../plan/value.js";
import { badBody, fieldsOf, nameField, numberField, textField, type Fields } from "./fields.js";
import { faultParams, readAttributes, toxicType } from "./toxic-types.js";

type Types = ReadonlyMap<string, AnyFaultType>;

/** In the order of Toxiproxy's answers. */
export interface ToxicView {
  readonly attributes: ToxicValue["attributes"];
  readonly name: string;
  readonly type: string;
  readonly stream: string;
  readonly toxicity: number;
}

/** Checks in the order in which Toxiproxy does: the JSON, the stream, the type, the name, the attributes. */
export function readToxic(body: unknown, types: Types, isTaken: (name: string) => boolean): CompiledFault {
  const fields = fieldsOf(body, "a toxic");
  const given = {
    name: nameField(fields),
    type: textField(fields, "type") ?? "",
    stream: textField(fields, "stream") ?? "downstream",
    toxicity: numberField(fields, "toxicity") ?? 1,
  };
  directionOf(given.stream);
  const type = toxicType(given.type);
  const name = given.name === undefined || given.name === "" ? `${given.type}_${given.stream}` : given.name;
  if (isTaken(name)) throw new SquallError("SQ_FAULT_EXISTS", "toxic already exists");
  const { stream, toxicity } = given;
  const attributes = readAttributes(type, fields.get("attributes"));
  return faultOf(name, { type: given.type, stream, toxicity, attributes }, types);
}

/** `attributes`, field by field, and `toxicity`; anything else is ignored. */
export function updatedToxic(fault: CompiledFault, body: unknown, types: Types): CompiledFault {
  const { toxic } = fault;
  if (toxic === undefined) throw new SquallError("SQ_FAULT_NOT_FOUND", "toxic not found");
  const fields: Fields = fieldsOf(body, "a toxic");
  const toxicity = numberField(fields, "toxicity") ?? toxic.toxicity;
  const attributes = readAttributes(toxicType(toxic.type), fields.get("attributes"), toxic.attributes);
  return faultOf(fault.name, { ...toxic, toxicity, attributes }, types);
}

function faultOf(name: string, toxic: ToxicValue, types: Types): CompiledFault {
  const type = toxicType(toxic.type);
  const params = faultParams(type, toxic.attributes);
  const tree = { type: type.fault, direction: directionOf(toxic.stream), ...params };
  const fault = compileFault(locate(tree, "toxic"), types, name);
  // Below 0 and above 1 are never and always, as they are in a comparison with a draw.
  return { ...fault, when: { probability: Math.min(1, Math.max(0, toxic.toxicity)) }, toxic };
}

function directionOf(stream: string): Direction {
  const direction = stream.toLowerCase();
  if (direction === "upstream" || direction === "downstream") return direction;
  throw new SquallError("SQ_BAD_REQUEST", "stream was invalid, can be either upstream or downstream");
}

export function toxicView({ name, toxic }: CompiledFault): ToxicView | null {
  if (toxic === undefined) return null;
  const { attributes, type, stream, toxicity } = toxic;
  return { attributes, name, type, stream, toxicity };
}

/** The upstream chain, then the downstream one, each in the order in which they were added. */
export function toxicViews(faults: readonly CompiledFault[]): ToxicView[] {
  const views = faults.map(toxicView).filter((view) => view !== null);
  const of = (direction: Direction): ToxicView[] =>
    views.filter(({ stream }) => directionOf(stream) === direction);
  return [...of("upstream"), ...of("downstream")];
}

/** A list of toxics as a configuration file may have it. */
export function readToxics(body: unknown, types: Types): CompiledFault[] {
  if (!Array.isArray(body)) throw badBody("expected a list for toxics");
  const faults: CompiledFault[] = [];
  for (const one of body as unknown[]) {
    faults.push(readToxic(one, types, (name) => faults.some((other) => other.name === name)));
  }
  return faults;
}
