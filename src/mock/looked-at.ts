/** JSON from anybody, looked at. */
import type { z } from "zod";

export type LookedAt<T> =
  | { readonly success: true; readonly data: T }
  | {
      readonly success: false;
      readonly data?: undefined;
      readonly issues: readonly Pick<z.core.$ZodIssue, "path" | "message">[];
    };

/**
 * What a schema makes of it. Zod compares the `length` of whatever stands where text should be, also of
 * `{ "length": { "valueOf": 1, "toString": 1 } }`, and that throws: it is refused like all that does not fit.
 */
export function lookedAt<T>(schema: z.ZodType<T>, value: unknown): LookedAt<T> {
  try {
    const { success, data, error } = schema.safeParse(value);
    return success ? { success, data } : { success, issues: error.issues };
  } catch {
    const message = "an object stands where text or a list is expected";
    return { success: false, issues: [{ path: [], message }] };
  }
}
