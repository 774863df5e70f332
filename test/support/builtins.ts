/**
 * Functions of Node's own modules replaced for one test, also where the source has imported them by their names. `vi.mock` cannot do that
 * in `npm test`: many files share a process, and the source is imported once.
 */
import { createRequire, syncBuiltinESMExports } from "node:module";

const require = createRequire(import.meta.url);

/** Replaces `name` of the module by what `make` makes of it; call what is returned to put it back. */
export function replaceBuiltin<Original>(
  module: string,
  name: string,
  make: (original: Original) => Original,
): () => void {
  const exports = require(module) as Record<string, Original>;
  const original = exports[name] as Original;
  exports[name] = make(original);
  syncBuiltinESMExports();
  return () => {
    exports[name] = original;
    syncBuiltinESMExports();
  };
}
