/** What `squall validate` says of faults in one's own profiles that none of the configured proxies can have, as `use` will refuse them. */
import type { ProxyConfig } from "../config/config.js";
import type { Library } from "../config/library.js";
import { SquallError, type Problem } from "../core/errors.js";
import { compileProfile } from "../plan/compile.js";
import { allOf, askedInVain, cannotAct, placeOfNeed, reachedBy, type Reachable } from "../plan/reach.js";
import type { CompiledProfile } from "../plan/value.js";
import { seamsOf } from "../proxy/seams.js";
import { TYPES } from "./local-library.js";

/** All that can be compiled: those that wait for a param are left out. */
export function compiledIn(library: Library, names: readonly string[]): CompiledProfile[] {
  return names.flatMap((name) => {
    try {
      return [compileProfile(name, library, {}, TYPES)];
    } catch (error) {
      if (error instanceof SquallError) return [];
      throw error;
    }
  });
}

/** Those that come with Squall are for all kinds of proxies, and say nothing of these. The API may make other proxies later. */
export function outOfReach(
  library: Library,
  configured: readonly ProxyConfig[],
  configs: readonly string[],
): Problem[] {
  if (configured.length === 0) return [];
  const proxies = configured.map(({ name, protocol, secure }): Reachable => {
    return { name, seams: seamsOf({ protocol, secure }) };
  });
  const known = new Set(proxies.map(({ name }) => name));
  const own = library.entries.flatMap(({ source, layer }) => (layer === "file" ? [source.name] : []));
  return compiledIn(library, own).flatMap((profile) => {
    const unreached = allOf(profile).flatMap((fault) => {
      const type = TYPES.get(fault.type);
      // Of proxies that nobody knows something else is said.
      if (type === undefined || fault.proxies?.some((name) => !known.has(name)) === true) return [];
      if (reachedBy(fault, type, proxies).length > 0) return [];
      const message = cannotAct(fault, type, `any proxy of ${configs.join(" or ")}`);
      const place = placeOfNeed(fault, type, message);
      return place === undefined ? [] : [{ ...place, hint: "squall use refuses it" }];
    });
    return [...unreached, ...askedInVain(profile, proxies, TYPES).flatMap(({ place }) => place ?? [])];
  });
}
