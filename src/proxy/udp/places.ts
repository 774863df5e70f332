/**
 * How many flows all UDP proxies hold together. They have places of their own: whoever sends from made-up addresses begins as many
 * flows as he likes, and must not keep clients of TCP out. When all places are taken, the proxy that has most of them gives one up.
 */
import { ConnectionSlots } from "../slots.js";

export interface FlowHolder {
  readonly flowCount: number;
  /** Ends the flow that can best be spared, which gives its place back; false if it has none. */
  giveWay(): boolean;
}

export class FlowPlaces extends ConnectionSlots {
  readonly #holders = new Set<FlowHolder>();

  /** Those that hold flows, and no others. */
  note(holder: FlowHolder): void {
    if (holder.flowCount > 0) this.#holders.add(holder);
    else this.#holders.delete(holder);
  }

  /** Takes a place, and where there is none, that of a flow of whoever has most, of its own if nobody has more. */
  takeFor(asker: FlowHolder): boolean {
    if (this.take()) return true;
    let largest = asker;
    for (const holder of this.#holders) if (holder.flowCount > largest.flowCount) largest = holder;
    return largest.giveWay() && this.take();
  }
}
