/** The bytes that went through a proxy's connections: of those that are over as a sum, of those that are open as they stand. */
import { DIRECTIONS, type Direction } from "../faults/contract/index.js";
import type { Pumps } from "../pipeline/bindings.js";

type Sum = Record<Direction, number>;

interface Carrying {
  readonly pumps: Pumps | null;
}

export class ByteSums {
  readonly #in: Sum = { upstream: 0, downstream: 0 };
  readonly #out: Sum = { upstream: 0, downstream: 0 };

  /** It is over. */
  add(connection: Carrying): void {
    addTo(this.#in, this.#out, connection);
  }

  with(open: Iterable<Carrying>): { readonly bytesIn: Sum; readonly bytesOut: Sum } {
    const bytesIn = { ...this.#in };
    const bytesOut = { ...this.#out };
    for (const connection of open) addTo(bytesIn, bytesOut, connection);
    return { bytesIn, bytesOut };
  }
}

function addTo(bytesIn: Sum, bytesOut: Sum, { pumps }: Carrying): void {
  if (pumps === null) return;
  for (const direction of DIRECTIONS) {
    bytesIn[direction] += pumps[direction].bytesIn;
    bytesOut[direction] += pumps[direction].bytesOut;
  }
}
