/** `identify` of a proxy: how a bot is known, by rules of which the first that answers counts. */
import { z } from "zod";
import { choice, shown } from "../faults/params.js";
import { under, type Located } from "./located.js";
import { fieldName, pathPattern } from "./match.js";
import { parametersOf } from "./pattern.js";
import type { Problems } from "./problems.js";
import { text } from "./shapes.js";
import { check, hasHole } from "./validate.js";

export type IdentifyRule =
  /** The address of the client. */
  | { readonly by: "client" }
  /** In lower case. */
  | { readonly by: "header"; readonly name: string }
  /** The claim of a JWT that names its bearer; other tokens are known by a hash. */
  | { readonly by: "bearer"; readonly claim: string }
  | { readonly by: "query"; readonly name: string }
  /** Of the certificate that a client shows: the common name of its subject, its first alternative name, or its SHA-256. */
  | { readonly by: "certificate"; readonly field: "cn" | "san" | "fingerprint" }
  /** The server's name that a client of TLS asks for. */
  | { readonly by: "sni" }
  /** The segment called `bot`, or else the first. */
  | { readonly by: "path"; readonly pattern: string };

export const CLIENT_ONLY: readonly IdentifyRule[] = [{ by: "client" }];

/** Fields whose whole value is a secret, and the name of a bot is shown everywhere. */
const SECRET_FIELDS: readonly string[] = ["authorization", "proxy-authorization", "cookie"];

const header = z.strictObject({
  header: fieldName().refine((name) => !SECRET_FIELDS.includes(name), {
    error: (issue) => `${shown(issue.input)} holds a secret, and the name of a bot is shown: use "bearer"`,
  }),
});
const bearer = z.strictObject({
  bearer: z.strictObject({ claim: text().min(1, { error: 'expected the name of a claim, got ""' }) }),
});
const query = z.strictObject({ query: text().min(1, { error: 'expected the name of a parameter, got ""' }) });
const path = z.strictObject({
  path: pathPattern().refine((pattern) => parametersOf(pattern).length > 0, {
    error: (issue) => `expected a path with a segment such as :bot, got ${shown(issue.input)}`,
  }),
});

const CERTIFICATE_FIELDS = ["cn", "san", "fingerprint"] as const;
const certificate = z.strictObject({ certificate: choice(CERTIFICATE_FIELDS) });

const rule = z.union([
  z.enum(["client", "bearer", "certificate", "sni"]),
  header,
  bearer,
  query,
  path,
  certificate,
]);
/** For the JSON Schema; `readIdentify` says more of what is wrong. */
export const identifyShape = z.union([rule, z.array(rule).min(1)]);

const EXPECTED =
  "expected client, bearer, certificate, sni, or a mapping with header, bearer, query, path or certificate";

/** The rules, in order; null after a problem. */
export function readIdentify(node: Located | undefined, problems: Problems): readonly IdentifyRule[] | null {
  if (node === undefined || (node.kind === "scalar" && node.value === null)) return CLIENT_ONLY;
  const before = problems.count;
  const items = node.kind === "list" ? node.items : [node];
  if (items.length === 0) problems.add(node, "must have at least one rule, such as client");
  const rules = items.flatMap((item) => readRule(item, problems) ?? []);
  return problems.count > before ? null : rules;
}

function readRule(node: Located, problems: Problems): IdentifyRule | null {
  if (node.kind === "scalar" && node.value === "client") return { by: "client" };
  if (node.kind === "scalar" && node.value === "bearer") return { by: "bearer", claim: "sub" };
  if (node.kind === "scalar" && node.value === "certificate") return { by: "certificate", field: "cn" };
  if (node.kind === "scalar" && node.value === "sni") return { by: "sni" };
  if (node.kind !== "map") {
    if (!hasHole(node))
      problems.add(node, `${EXPECTED}, got ${node.kind === "list" ? "a list" : shown(node.value)}`);
    return null;
  }
  const [key, second] = node.entries.values();
  if (key === undefined || second !== undefined) {
    problems.add(node, key === undefined ? EXPECTED : "expected one rule for each entry of the list");
    return null;
  }
  switch (key.key) {
    case "header": {
      const read = check(header, node, problems);
      return read === undefined ? null : { by: "header", name: read.header };
    }
    case "bearer": {
      const read = check(bearer, node, problems);
      return read === undefined ? null : { by: "bearer", claim: read.bearer.claim };
    }
    case "query": {
      const read = check(query, node, problems);
      return read === undefined ? null : { by: "query", name: read.query };
    }
    case "path": {
      const read = check(path, node, problems);
      return read === undefined ? null : { by: "path", pattern: read.path };
    }
    case "certificate": {
      const read = check(certificate, node, problems);
      return read === undefined ? null : { by: "certificate", field: read.certificate };
    }
    default:
      problems.add(
        { place: key.place, path: under(node.path, key.key) },
        `no bot is known by ${shown(key.key)}: ${EXPECTED}`,
      );
      return null;
  }
}
