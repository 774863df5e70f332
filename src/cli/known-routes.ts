/** The routes that the user knows: of `routes:` and `--route`, of profiles, and of OpenAPI descriptions. For sites and for all that begins with them. */
import { relative } from "node:path";
import { isPopulateFile } from "../admin/toxiproxy/populate-file.js";
import { readConfig } from "../config/config.js";
import { placesOf } from "../config/places.js";
import { pathMistake } from "../config/pattern.js";
import type { RunSettings } from "../sweep/run-file/settings.js";
import { OPENAPI_BYTES_MAX, OpenApiError, routesOfOpenApi } from "../sweep/sites/openapi.js";
import { routesOfProfiles } from "../sweep/sites/profiles.js";
import type { KnownRoutes } from "../sweep/sites/routes.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { readLibrary } from "./local-library.js";
import { readText } from "./read-text.js";
import { whyUnread } from "../core/why-unread.js";

/** Throws CommandError for what is no route, and for a file that cannot be read or is no description; SquallError for bad profiles. */
export async function knownRoutes(
  { routes, openapi, config }: Pick<RunSettings, "routes" | "openapi" | "config">,
  io: Pick<Io, "cwd" | "env" | "home">,
): Promise<KnownRoutes> {
  for (const route of routes) {
    const mistake = pathMistake(route);
    if (mistake !== undefined)
      throw new CommandError(EXIT.invalid, `routes: ${JSON.stringify(route)}: ${mistake}`);
  }
  return {
    given: routes,
    profiles: config === null ? [] : await ofProfiles(config, io),
    described: [...new Set(openapi.flatMap((file) => described(file, io)))],
  };
}

/** Of the user's own: those that come with Squall are about no server in particular. What is wrong with files is told by whoever runs them. */
async function ofProfiles(
  config: { readonly file: string; readonly text: string },
  io: Pick<Io, "cwd" | "env" | "home">,
): Promise<readonly string[]> {
  if (isPopulateFile(config.text)) return [];
  const { profiles } = readConfig({ ...config, env: io.env, folder: io.cwd }).config;
  const { entries } = await readLibrary(placesOf(profiles, io), io, () => undefined);
  return routesOfProfiles(entries.flatMap(({ layer, source }) => (layer === "library" ? [] : [source])));
}

function described(file: string, io: Pick<Io, "cwd">): string[] {
  const name = relative(io.cwd, file) || file;
  try {
    return routesOfOpenApi(readText(file, OPENAPI_BYTES_MAX));
  } catch (error) {
    if (error instanceof OpenApiError) throw new CommandError(EXIT.invalid, `${name}: ${error.message}`);
    throw new CommandError(EXIT.invalid, `cannot read the OpenAPI description ${name}: ${whyUnread(error)}`);
  }
}
