/** Five public APIs by their descriptions, and how many of their routes are inferred from paths alone. */
import { readFileSync } from "node:fs";
import { learnRoutes } from "../../../src/sweep/sites/routes.js";
import { generatePaths, readRoutes, type Described, type IdStyle } from "./generated-paths.js";

const STYLES: Readonly<Record<string, readonly [ids: IdStyle, others: IdStyle]>> = {
  digitalocean: ["uuid", "name"],
  github: ["number", "name"],
  kubernetes: ["name", "name"],
  stripe: ["prefixed", "prefixed"],
  twilio: ["sid", "sid"],
};

export const APIS: readonly string[] = Object.keys(STYLES);

export function described(api: string): Described {
  const [ids, others] = STYLES[api] ?? ["number", "name"];
  const text = readFileSync(new URL(`described/${api}.txt`, import.meta.url), "utf8");
  return { api, ids, others, routes: readRoutes(text) };
}

export interface Inferred {
  readonly routes: number;
  readonly right: number;
  /** `what was meant -> what was made of it`. */
  readonly wrong: readonly string[];
}

/** A route is right if each of its paths varies where the description has a parameter, and nowhere else. */
export function inferred(api: Described, each: number, seed: number): Inferred {
  const paths = generatePaths(api, each, seed);
  const book = learnRoutes(paths);
  const wrong: string[] = [];
  for (const route of api.routes) {
    const got = new Set(paths.filter((one) => one.route === route).map(({ path }) => book.templateOf(path)));
    const right = [...got].every((template) => isRight(route.template, template));
    if (!right) wrong.push(`${route.template} -> ${[...got].slice(0, 3).join(", ")}`);
  }
  return { routes: api.routes.length, right: api.routes.length - wrong.length, wrong };
}

function isRight(meant: string, template: string): boolean {
  const segments = template.split("/");
  const parts = meant.split("/");
  return (
    parts.length === segments.length && parts.every((part, index) => isSame(part, segments[index] ?? ""))
  );
}

/** Where the description lists the few words that may stand, they are as right one by one. */
function isSame(part: string, segment: string): boolean {
  const varies = segment.startsWith(":") || segment.includes("*");
  if (!part.includes("{")) return part === segment;
  return varies || /\{\w+:=/u.test(part);
}
