/** Which view a path is of, and the path of a view. Pure: `navigation.ts` has the browser's history. */
import { BASE } from "./base.js";

export type ViewName = "now" | "lanes" | "exchange" | "profiles" | "findings" | "journal" | "fleet";

/** What an address asks for; `view` is null where there is none of that path. */
export interface Place {
  readonly view: ViewName | null;
  /** Of a view that is about one thing: `proxy` and `id` of an exchange, `name` of a profile. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

/** As segments below `/ui/`; one that begins with a colon is a param. The daemon answers these paths with the page (src/admin/page.ts). */
const PATHS: readonly (readonly [ViewName, readonly string[]])[] = [
  ["now", [""]],
  ["lanes", ["lanes"]],
  ["exchange", ["exchanges", ":proxy", ":id"]],
  ["profiles", ["profiles"]],
  ["profiles", ["profiles", ":name"]],
  ["findings", ["findings"]],
  ["journal", ["journal"]],
  ["fleet", ["fleet"]],
];

const ROOT = `${BASE}/ui/`;

export function placeOf(path: string, search = ""): Place {
  const query = Object.fromEntries(new URLSearchParams(search));
  const segments = path.startsWith(ROOT) ? path.slice(ROOT.length).split("/") : null;
  for (const [view, pattern] of segments === null ? [] : PATHS) {
    const params = matched(pattern, segments ?? []);
    if (params !== null) return { view, params, query };
  }
  return { view: null, params: {}, query };
}

function matched(pattern: readonly string[], segments: readonly string[]): Record<string, string> | null {
  if (pattern.length !== segments.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? "";
    if (!part.startsWith(":")) {
      if (part !== segment) return null;
      continue;
    }
    const value = decoded(segment);
    if (value === null || value === "") return null;
    params[part.slice(1)] = value;
  }
  return params;
}

function decoded(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

/** The address of a view, such as `/ui/journal?bot=b1`. Empty values of the query are left out. */
export function pathOf(
  view: ViewName,
  params: Readonly<Record<string, string>> = {},
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const pattern = PATHS.find(
    ([name, parts]) =>
      name === view && Object.keys(params).length === parts.filter((part) => part.startsWith(":")).length,
  )?.[1];
  const segments = (pattern ?? [""]).map((part) =>
    part.startsWith(":") ? encodeURIComponent(params[part.slice(1)] ?? "") : part,
  );
  const words = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    if (value !== undefined && value !== "") words.set(key, value);
  const search = words.toString();
  return `${ROOT}${segments.join("/")}${search === "" ? "" : `?${search}`}`;
}
