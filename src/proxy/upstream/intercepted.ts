/** What a fault said in an upstream's place, while it was looked up or dialled. */
import type { Answer, Sever } from "../../faults/contract/index.js";
import type { ResolveError } from "./resolve-error.js";

/** A fault has the last word: the client is severed, or answered. */
export interface Intercepted {
  readonly verdict: Sever | Answer;
}

/** Addresses, or why there are none. `misled`: it is what faults made of it. */
export type Named =
  | { readonly addresses: readonly string[]; readonly misled: boolean }
  | { readonly error: ResolveError; readonly misled: boolean }
  | Intercepted;
