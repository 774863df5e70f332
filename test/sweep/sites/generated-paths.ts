/**
 * Paths as clients of a described API send them: the parameters of its templates filled with values of the kind that their names and
 * types promise. Things belong to their parents: each owner has repositories of their own, and a few names that everybody uses.
 */
import { createHash } from "node:crypto";
import { Random } from "../../../src/core/random.js";

/** What the ids of an API look like where the description says no more than `string`. */
export type IdStyle = "number" | "uuid" | "prefixed" | "sid" | "object" | "token" | "name";

export interface Described {
  readonly api: string;
  /** Of parameters whose name ends in id; and of all others that are no known word. */
  readonly ids: IdStyle;
  readonly others: IdStyle;
  readonly routes: readonly DescribedRoute[];
}

export interface DescribedRoute {
  readonly methods: readonly string[];
  /** `/repos/{owner}/{repo}`: parameters may have a type, as in `{id:i}`. */
  readonly template: string;
}

const METHODS: Readonly<Record<string, string>> = {
  G: "GET",
  P: "POST",
  U: "PUT",
  A: "PATCH",
  D: "DELETE",
  H: "HEAD",
  O: "OPTIONS",
};

/** A file of lines such as `GP /v2/droplets/{droplet_id:i}`. Lines that begin with # are words about it. */
export function readRoutes(text: string): DescribedRoute[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [letters = "", template = ""] = line.split(" ");
      return { methods: [...letters].map((letter) => METHODS[letter] ?? letter), template };
    });
}

export interface GeneratedPath {
  readonly method: string;
  readonly path: string;
  readonly route: DescribedRoute;
}

const FIRST =
  "amber atlas birch cobalt copper coral delta ember falcon garnet harbor indigo juniper kestrel lunar maple nimbus onyx".split(
    " ",
  );
const SECOND =
  "api app bridge cache core docs engine forge gateway hub ingest kit lab mailer notes ops portal router stack tools web".split(
    " ",
  );
const PEOPLE =
  "ana ben carla dmitri elif fred gita hana ivan june kofi lena milo nora omar petra quentin rosa sam tove uma viktor".split(
    " ",
  );
const COMMON = ["main", "default", "production", "staging"];
const HEX = "0123456789abcdef";
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** So many paths of each route and method. The same seed gives the same paths. */
export function generatePaths(api: Described, each: number, seed = 1): GeneratedPath[] {
  const values = new Map<string, string>();
  return api.routes.flatMap((route) =>
    route.methods.flatMap((method) =>
      Array.from({ length: each }, (_, n) => ({
        method,
        path: filled(api, route, `${method} ${n}`, seed, values),
        route,
      })),
    ),
  );
}

function filled(
  api: Described,
  route: DescribedRoute,
  draw: string,
  seed: number,
  values: Map<string, string>,
): string {
  let path = "";
  let level = 0;
  for (const part of route.template.split(/(\{[^}]+\})/u)) {
    if (!part.startsWith("{")) {
      path += part;
      continue;
    }
    const [name = "", type = ""] = part.slice(1, -1).split(/:(.*)/su);
    // A few things of each parent are asked for again and again.
    const size = level++ === 0 ? 14 : 5;
    const which = randomOf(seed, `${route.template} ${draw} ${name}`).integer(size);
    const key = `${seed} ${name} ${type} ${path} ${which}`;
    const value =
      values.get(key) ?? encodeURIComponent(valueOf(api, name, type, randomOf(seed, `${path} ${which}`)));
    values.set(key, value);
    path += value;
  }
  return path;
}

function randomOf(seed: number, what: string): Random {
  const digest = createHash("sha256").update(`${seed} ${what}`).digest();
  return new Random({ high: digest.readUInt32BE(0), low: digest.readUInt32BE(4) }, 0, 1);
}

function valueOf(api: Described, name: string, type: string, random: Random): string {
  const pick = (list: readonly string[]): string => list[random.integer(list.length)] ?? "";
  const digits = (most: number): string => String(1 + random.integer(10 ** (1 + random.integer(most))));
  if (type === "i") return digits(8);
  if (type === "u") return uuid(random);
  if (type === "d") return day(random);
  if (type === "t") return `${day(random)}T10:${pick(["00", "15", "30"])}:00Z`;
  if (type.startsWith("=")) return pick(type.slice(1).split("|"));
  if (/sha$|sha1|digest|commit|checksum/iu.test(name)) return text(random, HEX, 40);
  if (/uuid|guid/iu.test(name)) return uuid(random);
  if (/email/iu.test(name)) return `${pick(PEOPLE)}.${pick(FIRST)}@example.com`;
  if (/(?:^|_)date/iu.test(name)) return day(random);
  if (/(?:^|_)ip(?:_|$)|address$/iu.test(name))
    return Array.from({ length: 4 }, () => 1 + random.integer(250)).join(".");
  if (/number$|index$|^year|^page/iu.test(name)) return digits(4);
  if (
    /user|owner|org|login|assignee|author|member/iu.test(name) &&
    !/id$/iu.test(name) &&
    api.others === "name"
  )
    return person(random, pick);
  return ofStyle(/id$|^id[A-Z]/iu.test(name) ? api.ids : api.others, name, random, pick, digits);
}

function ofStyle(
  style: IdStyle,
  name: string,
  random: Random,
  pick: (list: readonly string[]) => string,
  digits: (most: number) => string,
): string {
  switch (style) {
    case "number":
      return digits(9);
    case "uuid":
      return uuid(random);
    case "prefixed":
      return `${name.replace(/[^a-z]/gu, "").slice(0, 3)}_${text(random, BASE62, 14 + random.integer(11))}`;
    case "sid":
      return `${name
        .replace(/[^A-Za-z]/gu, "")
        .slice(0, 2)
        .toUpperCase()}${text(random, HEX, 32)}`;
    case "object":
      return text(random, HEX, 24);
    case "token":
      return text(random, BASE62, 22);
    case "name":
      if (random.integer(10) === 0) return pick(COMMON);
      return thing(name, random, pick);
  }
}

function person(random: Random, pick: (list: readonly string[]) => string): string {
  return pick(PEOPLE) + pick(["", "", "-dev", "x", String(random.integer(99)), `-${pick(FIRST)}`]);
}

function thing(name: string, random: Random, pick: (list: readonly string[]) => string): string {
  const words = [pick(FIRST), pick(SECOND), ...(random.integer(3) === 0 ? [pick(SECOND)] : [])];
  if (/secret|variable|env/iu.test(name)) return words.join("_").toUpperCase();
  return words.join("-") + pick(["", "", "", `-${random.integer(30)}`, ".io"]);
}

function day(random: Random): string {
  const two = (most: number): string => String(1 + random.integer(most)).padStart(2, "0");
  return `20${String(10 + random.integer(15))}-${two(12)}-${two(28)}`;
}

function uuid(random: Random): string {
  const part = (length: number): string => text(random, HEX, length);
  return `${part(8)}-${part(4)}-4${part(3)}-a${part(3)}-${part(12)}`;
}

function text(random: Random, alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[random.integer(alphabet.length)]).join("");
}
