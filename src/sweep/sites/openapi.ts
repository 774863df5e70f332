/** The routes that an OpenAPI description names: versions 3.0 and 3.1, and Swagger 2.0, in JSON or YAML. */
import { parseDocument } from "yaml";
import { asPattern } from "../../core/route-template.js";

type Tree = Readonly<Record<string, unknown>>;

export class OpenApiError extends Error {
  override readonly name = "OpenApiError";
}

/** Larger files are not read: the largest public descriptions have ten. */
export const OPENAPI_BYTES_MAX = 32 * 1024 * 1024;

/** Patterns of all paths, below each base path of its servers. Throws OpenApiError for what is no such description. */
export function routesOfOpenApi(text: string): string[] {
  const tree = read(text);
  const version = typeof tree.openapi === "string" ? tree.openapi : tree.swagger;
  if (typeof version !== "string" || !/^(?:2\.0|3\.[01](?:\.\d+)?(?:-.*)?)$/u.test(version))
    throw new OpenApiError(
      version === undefined
        ? "has neither `openapi` nor `swagger`, so it is no OpenAPI description"
        : `is of version ${JSON.stringify(version)}, and 2.0, 3.0 and 3.1 are read`,
    );
  if (!isTree(tree.paths)) throw new OpenApiError("has no `paths`");
  const routes = new Set<string>();
  const bases = version === "2.0" ? [baseOfSwagger(tree)] : basesOf(tree.servers, ["/"]);
  for (const [path, item] of Object.entries(tree.paths)) {
    if (!path.startsWith("/")) continue;
    for (const base of basesOf(isTree(item) ? item.servers : undefined, bases))
      routes.add(patternOf(base, path));
  }
  return [...routes];
}

function read(text: string): Tree {
  let tree: unknown;
  if (/^\s*\{/u.test(text)) {
    try {
      tree = JSON.parse(text);
    } catch {
      // YAML has JSON in it, and its reader says where the mistake is.
    }
  }
  if (tree === undefined) {
    const document = parseDocument(text, { uniqueKeys: false, merge: true });
    const [error] = document.errors;
    if (error !== undefined) throw new OpenApiError(`cannot be read: ${error.message.split("\n")[0] ?? ""}`);
    // Descriptions that are made by programs have many aliases.
    tree = document.toJS({ maxAliasCount: 100_000 });
  }
  if (!isTree(tree)) throw new OpenApiError("is no mapping, so it is no OpenAPI description");
  return tree;
}

function baseOfSwagger({ basePath }: Tree): string {
  return typeof basePath === "string" ? basePath : "/";
}

/** The paths of the URLs of servers; their variables are filled with what they are by default. */
function basesOf(servers: unknown, otherwise: readonly string[]): readonly string[] {
  if (!Array.isArray(servers) || servers.length === 0) return otherwise;
  const bases = servers.filter(isTree).map(({ url, variables }) => {
    const filled = String(url ?? "/").replace(/\{([^}]+)\}/gu, (_, name: string) => {
      const variable = isTree(variables) ? variables[name] : undefined;
      return isTree(variable) && variable.default !== undefined ? String(variable.default) : `{${name}}`;
    });
    // Braces are no part of a URL, but of a path as it is written here they may be.
    const path = filled.replace(/^[A-Za-z][A-Za-z0-9+.-]*:/u, "").replace(/^\/\/[^/?#]*/u, "");
    return path.replace(/[?#].*$/su, "");
  });
  return bases.length === 0 ? otherwise : [...new Set(bases)];
}

/** `/repos/{owner}/tags/{tag}.zip` is `/repos/:owner/tags/*.zip`. */
function patternOf(base: string, path: string): string {
  const whole =
    `${base.startsWith("/") ? base : `/${base}`}`.replace(/\/+$/u, "") + path.replace(/[?#].*$/su, "");
  return whole
    .split("/")
    .map((segment) => {
      const name = /^\{([^{}]+)\}$/u.exec(segment)?.[1];
      if (name !== undefined) return `:${parameterName(name)}`;
      return asPattern(segment.replace(/\{[^{}]*\}/gu, "*"));
    })
    .join("/");
}

/** A name that patterns take: letters, figures and underscores. */
function parameterName(name: string): string {
  const plain = name.replace(/\W+/gu, "_").replace(/^(?=\d)/u, "_");
  return plain === "" ? "x" : plain;
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
