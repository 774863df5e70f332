/** Fields of a head that are set, taken out, or called something else. Those that frame the message are left to the proxy. */
import { z } from "zod";
import {
  defineFault,
  type Direction,
  type ExchangeFault,
  type FieldList,
  type RequestParts,
  type ResponseParts,
  type Scope,
} from "../contract.js";
import { FRAMING_FIELDS, withField } from "../kit.js";
import { fieldMap, fieldNames, fieldRenames } from "../params.js";

const params = z.object({
  set: fieldMap().optional().describe("fields that get this value, in the place of all of that name"),
  remove: fieldNames().optional().describe("fields that are taken out, all of that name"),
  rename: fieldRenames().optional().describe("fields that get another name and keep their value; done first"),
});
type Params = z.infer<typeof params>;

class HttpHeaders implements ExchangeFault {
  constructor(private readonly scope: Scope<Params, "rewritten", undefined>) {}

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
    const { set = {}, remove = [], rename = {} } = this.scope.params;
    const names = new Map(Object.entries(rename).map(([from, to]) => [from.toLowerCase(), to]));
    const unwanted = new Set(remove.map((name) => name.toLowerCase()));
    let fields: FieldList = before
      .map(([name, value]) => [names.get(name.toLowerCase()) ?? name, value] as const)
      .filter(([name]) => !unwanted.has(name.toLowerCase()));
    for (const [name, value] of Object.entries(set)) fields = withField(fields, name, value);
    if (JSON.stringify(fields) === JSON.stringify(before)) return before;
    this.scope.count("rewritten", 1, { direction });
    return fields;
  }
}

const namesIn = ({ set = {}, remove = [], rename = {} }: Readonly<Params>): (readonly [string, string])[] => [
  ...Object.keys(set).map((name) => ["set", name] as const),
  ...remove.map((name) => ["remove", name] as const),
  ...Object.entries(rename).flatMap(([from, to]) => [["rename", from] as const, ["rename", to] as const]),
];

export default defineFault({
  type: "http_headers",
  summary: "Sets, removes and renames header fields of answers or requests.",
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
  exchange: (scope) => new HttpHeaders(scope),
});
