/** The routes that the user knows: of `routes:` and `--route`, and of OpenAPI descriptions. For sites and for all that begins with them. */
import { readFileSync, statSync } from "node:fs";
import { relative } from "node:path";
import { pathMistake } from "../config/pattern.js";
import type { RunSettings } from "../sweep/run-file/settings.js";
import { OPENAPI_BYTES_MAX, OpenApiError, routesOfOpenApi } from "../sweep/sites/openapi.js";
import type { KnownRoutes } from "../sweep/sites/routes.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { whyUnread } from "./why-unread.js";

/** Throws CommandError for what is no route, and for a file that cannot be read or is no description. */
export function knownRoutes(
  { routes, openapi }: Pick<RunSettings, "routes" | "openapi">,
  io: Pick<Io, "cwd">,
): KnownRoutes {
  for (const route of routes) {
    const mistake = pathMistake(route);
    if (mistake !== undefined)
      throw new CommandError(EXIT.invalid, `routes: ${JSON.stringify(route)}: ${mistake}`);
  }
  return { given: routes, described: [...new Set(openapi.flatMap((file) => described(file, io)))] };
}

function described(file: string, io: Pick<Io, "cwd">): string[] {
  const name = relative(io.cwd, file) || file;
  try {
    if (statSync(file).size > OPENAPI_BYTES_MAX)
      throw new OpenApiError(`is larger than ${OPENAPI_BYTES_MAX / 2 ** 20}MiB`);
    return routesOfOpenApi(readFileSync(file, "utf8"));
  } catch (error) {
    if (error instanceof OpenApiError) throw new CommandError(EXIT.invalid, `${name}: ${error.message}`);
    throw new CommandError(EXIT.invalid, `cannot read the OpenAPI description ${name}: ${whyUnread(error)}`);
  }
}
