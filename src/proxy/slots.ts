/** Places: how many client connections, or flows, there may be at once. */

/** How many client connections the whole daemon holds at once; flows of UDP have places of their own, see `FlowPlaces`. */
export class ConnectionSlots {
  readonly limit: number;
  taken = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  take(): boolean {
    if (this.taken >= this.limit) return false;
    this.taken++;
    return true;
  }

  give(): void {
    this.taken--;
  }
}
