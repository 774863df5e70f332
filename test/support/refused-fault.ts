/** What is said of a fault that is not right, with its place: one line for each mistake. */
import { Library } from "../../src/config/library.js";
import { refusalOf, told } from "../config/broken-text.js";
import { TYPES } from "./lab.js";

/** Of `{ type: …, … }` as the one fault of a profile, in line 3 from column 5 on. */
export function refusedFault(text: string): string[] {
  const library = new Library(TYPES);
  return told(refusalOf(() => library.put(`profile: x\nfaults:\n  - ${text}\n`)).details, "request");
}
