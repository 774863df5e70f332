/**
 * Request smuggling against servers that people use: whatever is sent, Squall and the server behind it agree on where each
 * request ends, or Squall refuses it. Each server says what it has read; each answer says what it is an answer to.
 */
import { describe, it } from "vitest";
import { attacks } from "./smuggling-corpus.js";
import { KINDS } from "./smuggling-pairs.js";
import { agree } from "./smuggling-walk.js";

describe.each(KINDS)("Squall and $name", (kind) => {
  const { missing } = kind;
  it.skipIf(missing !== null)(
    `agree on where each request ends${missing === null ? "" : ` (needs: ${missing})`}`,
    async () => {
      await agree(kind, attacks());
    },
  );
});
