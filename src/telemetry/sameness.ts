/**
 * What the journal and the log take for the same when it is told thousands of times a second, or for ever: one like it is
 * written down, the others are counted. Only so many in a group are told apart, since peers choose some of the words.
 */
import type { Recorded } from "./entry.js";

/** So many like ones of a group are told apart within the time of one; further ones are taken for the same. */
export const DIFFERENT_MAX = 10;

export interface Sameness {
  readonly group: string;
  readonly key: string;
}

/** Null for what is never left out. */
export function sameness(fact: Recorded): Sameness | null {
  switch (fact.kind) {
    case "connection_failed": {
      const { proxy, reason, client, bot = client, text } = fact;
      // Whose fault it was is told apart where it was the client's: each bot has mistakes of its own.
      const who = reason.startsWith("client_") ? bot : "";
      return { group: JSON.stringify([fact.kind, proxy, reason]), key: JSON.stringify([who, text]) };
    }
    case "limit_reached":
      return { group: JSON.stringify([fact.kind, fact.proxy]), key: fact.limit };
    case "listen_failed":
      return { group: JSON.stringify([fact.kind, fact.proxy]), key: fact.reason };
    case "mistake":
      // Nobody but Squall has the words of these: none may hide another one.
      return { group: JSON.stringify([fact.kind, fact.text]), key: "" };
    default:
      return null;
  }
}
