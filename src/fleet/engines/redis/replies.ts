/** Replies of Redis, which the client hands over as they come. */
import { EngineError } from "../../contract/engine.js";

export function itemsOf(reply: unknown): readonly unknown[] {
  if (Array.isArray(reply)) return reply;
  // RESP3 has sets of their own.
  if (reply instanceof Set) return [...(reply as Set<unknown>)];
  throw new EngineError("failed", "a reply of Redis is not the list that it should be");
}

/** An entry of a stream: its id, and its fields by their names. */
export function fieldsOf(entry: unknown): { id: string; fields: ReadonlyMap<string, Uint8Array> } {
  const [id, values] = itemsOf(entry);
  const fields = new Map<string, Uint8Array>();
  const list = itemsOf(values);
  for (let at = 0; at + 1 < list.length; at += 2) {
    const value = list[at + 1];
    if (value instanceof Uint8Array) fields.set(String(list[at]), value);
  }
  return { id: String(id), fields };
}
