/** Fault types as the API shows them: what docs and dashboards need to build a form for each. */
import { z } from "zod";
import type { AnyFaultType } from "../faults/contract/index.js";
import { quantityOf } from "../faults/params.js";

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
}

export function faultTypeViews(types: ReadonlyMap<string, AnyFaultType>): FaultTypeView[] {
  return [...types.values()].toSorted((a, b) => (a.type < b.type ? -1 : 1)).map(faultTypeView);
}

export interface FaultTypeView extends Pick<AnyFaultType, "type" | "summary" | "effects" | "example"> {
  readonly direction: AnyFaultType["directions"];
  readonly params: readonly FaultParamView[];
}

interface FaultParamView {
  readonly name: string;
  readonly kind: string;
  readonly required: boolean;
  readonly default?: unknown;
  readonly values?: readonly string[];
  readonly ramp: boolean;
  readonly summary: string;
}

export function faultTypeView({
  type,
  summary,
  directions,
  params,
  effects,
  example,
}: AnyFaultType): FaultTypeView {
  return {
    type,
    summary,
    direction: directions,
    params: Object.entries(params.shape).map(([name, schema]) => paramView(name, schema)),
    effects,
    example,
  };
}

function paramView(name: string, schema: z.core.$ZodType): FaultParamView {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
  const quantity = quantityOf(schema);
  const words = json.enum?.map(String);
  return {
    name,
    kind: quantity?.kind ?? (words === undefined ? plainKind(json.type) : "choice"),
    required: !z.safeParse(z.object({ value: schema }), {}).success,
    ...(json.default === undefined ? {} : { default: json.default }),
    ...(words === undefined ? {} : { values: words }),
    ramp: quantity !== undefined,
    summary: json.description ?? "",
  };
}

function plainKind(type: JsonSchema["type"]): string {
  return typeof type === "string" ? type : "value";
}
