/** Which calls are heavy, and wait at the turnstile: what changes the plan, makes large answers, or reads large bodies. */
import type { Request } from "express";
import { ClientLeft, type BodyText } from "./body.js";
import type { House } from "./house.js";
import type { Route } from "./route.js";
import { sourceOf } from "./sources.js";

/** Characters of a body that is read at once. */
const LIGHT_BODY_MAX = 4 * 1_024;
/** Entries of the journal that are answered at once. */
const LIGHT_ENTRIES_MAX = 200;

/** Resolves at once for what is light, and for the rest when it is its turn. Rejects with ClientLeft. */
export async function takeTurn(
  { heavy, method, keeps }: Pick<Route, "heavy" | "method" | "keeps">,
  { text }: BodyText,
  { limit }: Readonly<Record<string, unknown>>,
  { socket }: Pick<Request, "socket">,
  { turnstile }: Pick<House, "turnstile">,
): Promise<void> {
  const changes = method !== "get" && keeps !== false;
  const isHeavy =
    heavy === true ||
    changes ||
    text.length > LIGHT_BODY_MAX ||
    (typeof limit === "number" && limit > LIGHT_ENTRIES_MAX);
  if (!isHeavy) return;
  await turnstile.pass(sourceOf(socket.remoteAddress), socket);
  // Whoever has left meanwhile costs nothing more.
  if (socket.destroyed) throw new ClientLeft();
}
