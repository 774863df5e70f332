/** Our own mistakes, told apart from what users and peers do: an Invariant stops one connection, never the daemon. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

export function invariant(holds: boolean, text: string): asserts holds {
  if (!holds) throw new InvariantError(text);
}
