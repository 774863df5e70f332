/** Profile -> plan: turns what config/ has checked into the serialisable values that the live plan runs. */
import { SquallError, type ErrorCode, type Problem } from "../core/errors.js";
import type { FaultValue } from "../config/fault.js";
import type { ProfileLibrary } from "../config/library.js";
import type { Located } from "../config/located.js";
import type { Problems } from "../config/problems.js";
import { unknownProfile } from "../config/unknown-profile.js";
import { resolveFault, resolveFaults } from "../config/inline.js";
import type { GivenParams } from "../config/params.js";
import { resolveProfile, type Types } from "../config/resolve.js";
import { INLINE, type CompiledFault, type CompiledProfile } from "./value.js";

/**
 * The profile with these params. The library has checked its profiles already, so what goes wrong here
 * comes with the params: SQ_PROFILE_NOT_FOUND or SQ_INVALID_ACTIVATION.
 */
export function compileProfile(
  name: string,
  library: ProfileLibrary,
  params: GivenParams,
  types: Types,
): CompiledProfile {
  const source = library.get(name);
  if (source === undefined) {
    const { message, hint } = unknownProfile(name, library.names(), types, library.leftOut);
    throw new SquallError("SQ_PROFILE_NOT_FOUND", message, hint === undefined ? {} : { hint });
  }
  const { value, problems } = resolveProfile(source, library, types, params);
  const {
    summary,
    tags,
    params: given,
    faults,
    phases,
    repeat,
  } = sound(value, problems, "SQ_INVALID_ACTIVATION");
  return {
    profile: name,
    summary,
    tags,
    params: given,
    faults: faults.map(compiled),
    phases: phases.map((phase) => ({ ...phase, faults: phase.faults.map(compiled) })),
    repeat,
  };
}

/** Faults that came without a profile: a list of them, as a profile called `inline`. */
export function compileFaults(
  list: Located,
  types: Types,
): { readonly compiled: CompiledProfile; readonly warnings: readonly Problem[] } {
  const { faults, problems, warnings } = resolveFaults(list, types);
  problems.throwIfAny("SQ_INVALID_PROFILE");
  const profile: CompiledProfile = {
    profile: INLINE,
    summary: "",
    tags: [],
    params: {},
    faults: faults.map(compiled),
    phases: [],
    repeat: 1,
  };
  return { compiled: profile, warnings: warnings.list() };
}

/** One fault to be set on a proxy at run time; `name` is for names that an API made. */
export function compileFault(tree: Located, types: Types, name?: string): CompiledFault {
  const { fault, problems } = resolveFault(tree, types, name);
  problems.throwIfAny("SQ_INVALID_PROFILE");
  if (fault === null)
    throw new SquallError("SQ_INVALID_PROFILE", "a fault that is set on a proxy cannot be switched off", {
      path: "enabled",
    });
  return compiled(fault);
}

function sound<T>(value: T | null, problems: Problems, code: ErrorCode): T {
  if (value === null) throw problems.error(code);
  return value;
}

/** Beside the values, which have no places: for whoever finds something wrong with one of them later. */
const WRITTEN = new WeakMap<CompiledFault, Located>();

/** How a fault that was compiled here was written; undefined for one that came another way. */
export function writtenAs(fault: CompiledFault): Located | undefined {
  return WRITTEN.get(fault);
}

function compiled(fault: FaultValue): CompiledFault {
  const { type } = fault;
  const value: CompiledFault = {
    name: fault.name,
    type: type.type,
    params: fault.params,
    ramps: fault.ramps,
    proxies: fault.proxies,
    directions: type.directions === null ? null : (fault.direction ?? type.directions),
    at: fault.at,
    match: fault.match,
    except: fault.except,
    when: fault.when,
    ...(fault.draw === undefined ? {} : { draw: fault.draw }),
  };
  WRITTEN.set(value, fault.written);
  return value;
}
