/** Fields of a head that are set, taken out, or called something else. Those that frame the message are left to the proxy. */
import { z } from "zod";
import {
  defineFault,
  type Direction,
  type ExchangeFault,
  type FieldList,
  type FieldNames,
  type RequestParts,
  type ResponseParts,
  type Scope,
} from "../../contract/index.js";
import { FRAMING_FIELDS, withField } from "../../messages.js";
import { fieldMap, fieldNames, fieldRenames } from "../../params.js";

const params = z.object({
  set: fieldMap().optional().describe("fields that get this value, in the place of all of that name"),
  remove: fieldNames().optional().describe("fields that are taken out, all of that name"),
  rename: fieldRenames().optional().describe("fields that get another name and keep their value; done first"),
});
type Params = z.infer<typeof params>;

/** What the names come to, worked out once for all exchanges for as long as the parameters are the same. */
class Names {
  #params: Pick<Params, "remove" | "rename" | "set"> = {};
  #renamed: ReadonlyMap<string, string> = new Map();
  #removed: ReadonlySet<string> = new Set();
  /** Without one of these a head stays as it is; null where every head may change. */
  #touched: readonly string[] | null = [];

  of({ remove, rename, set }: Readonly<Params>): this {
    const params = this.#params;
    if (remove === params.remove && rename === params.rename && set === params.set) return this;
    this.#params = { remove, rename, set };
    this.#renamed = new Map(Object.entries(rename ?? {}).map(([from, to]) => [from.toLowerCase(), to]));
    this.#removed = new Set((remove ?? []).map((name) => name.toLowerCase()));
    const sets = Object.keys(set ?? {}).length > 0;
    this.#touched = sets ? null : [...this.#renamed.keys(), ...this.#removed];
    return this;
  }

  /** Whether a head with these fields is left as it is. */
  pass(names: FieldNames): boolean {
    if (this.#touched === null) return false;
    for (const name of this.#touched) if (names.has(name)) return false;
    return true;
  }

  /** The name that a field has from now on, or null where it is taken out. */
  called(name: string): string | null {
    const renamed = this.#renamed.get(name.toLowerCase()) ?? name;
    return this.#removed.has(renamed.toLowerCase()) ? null : renamed;
  }
}

class HttpHeaders implements ExchangeFault {
  constructor(private readonly scope: Scope<Params, "rewritten", Names>) {}

  passesHead(direction: Direction, names: FieldNames): boolean {
    const { params, shared } = this.scope;
    return !this.scope.acts(direction) || shared.of(params).pass(names);
  }

  rewriteRequest(head: RequestParts): RequestParts {
    const fields = this.#rewritten("upstream", head.fields);
    return fields === head.fields ? head : { ...head, fields };
  }

  rewriteResponse(head: ResponseParts): ResponseParts {
    const fields = this.#rewritten("downstream", head.fields);
    return fields === head.fields ? head : { ...head, fields };
  }

  #rewritten(direction: Direction, before: FieldList): FieldList {
    if (!this.scope.acts(direction)) return before;
    const { params, shared } = this.scope;
    const names = shared.of(params);
    const kept: (readonly [string, string])[] = [];
    for (const field of before) {
      const called = names.called(field[0]);
      if (called !== null) kept.push(called === field[0] ? field : [called, field[1]]);
    }
    let fields: FieldList = kept;
    for (const name in params.set) fields = withField(fields, name, params.set[name] ?? "");
    if (isSame(fields, before)) return before;
    this.scope.count("rewritten", 1, { direction });
    return fields;
  }
}

function isSame(fields: FieldList, others: FieldList): boolean {
  return (
    fields.length === others.length &&
    fields.every(([name, value], at) => name === others[at]?.[0] && value === others[at][1])
  );
}

const namesIn = ({ set = {}, remove = [], rename = {} }: Readonly<Params>): (readonly [string, string])[] => [
  ...Object.keys(set).map((name) => ["set", name] as const),
  ...remove.map((name) => ["remove", name] as const),
  ...Object.entries(rename).flatMap(([from, to]) => [["rename", from] as const, ["rename", to] as const]),
];

export default defineFault({
  type: "http_headers",
  summary: "Sets, removes and renames header fields of responses or requests.",
  params,
  example: { type: "http_headers", remove: ["retry-after"] },
  effects: { rewritten: "heads in which something changed" },
  directions: "downstream",
  explain: ({ set = {}, remove = [], rename = {} }) =>
    [
      ...Object.entries(rename).map(([from, to]) => `renames ${from} to ${to}`),
      ...remove.map((name) => `removes ${name}`),
      ...Object.keys(set).map((name) => `sets ${name}`),
    ].join(", "),
  check: ({ params: current }) => {
    const named = namesIn(current);
    if (named.length === 0)
      return { path: "set", message: "is required, or else remove or rename: there is nothing to do" };
    const framing = named.find(([, name]) => FRAMING_FIELDS.has(name.toLowerCase()));
    if (framing !== undefined)
      return {
        path: framing[0],
        message: `must not have ${framing[1]}: how a message is framed is not for a fault to say`,
      };
    const removed = new Set(current.remove?.map((name) => name.toLowerCase()));
    const both = Object.keys(current.set ?? {}).find((name) => removed.has(name.toLowerCase()));
    return both === undefined
      ? undefined
      : { path: "remove", message: `must not have ${both}, which is set as well` };
  },
  shared: () => new Names(),
  exchange: (scope) => new HttpHeaders(scope),
});
