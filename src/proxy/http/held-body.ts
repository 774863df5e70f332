/** A body under faults, and what is kept of it: booked, bounded in time, and let go when the fault that wants it whole goes. */
import type { BodyChange, BodyInfo } from "../../faults/contract/index.js";
import { BodyRewriter, type BodyOutput } from "./body.js";
import { Custody, type CustodyHost } from "./custody.js";

export class HeldBody {
  readonly #body: BodyRewriter;
  readonly #host: CustodyHost;
  readonly #direction: BodyInfo["direction"];
  #custody: Custody | null = null;
  /** Its end, or that of its connection, may come in the middle of one of its pieces. */
  #over = false;

  constructor(info: BodyInfo, changes: readonly BodyChange[], out: BodyOutput, host: CustodyHost) {
    // What can never be there whole within the budget is not waited for.
    this.#body = new BodyRewriter(info, changes, out, host.budget.limit);
    this.#host = host;
    this.#direction = info.direction;
  }

  /** Its head waits until all of it is there. */
  get waits(): boolean {
    return this.#body.waits;
  }

  begin(): void {
    this.#body.begin();
    this.#book();
  }

  data(raw: Buffer, start: number, end: number): void {
    this.#body.data(raw, start, end);
    this.#book();
  }

  trailers(raw: Buffer): void {
    this.#body.trailers(raw);
  }

  end(): void {
    this.#body.end();
    this.drop();
  }

  /** It will not come to its end: what was kept goes on as far as it came. */
  abandon(): void {
    this.#body.abandon();
    this.drop();
  }

  /** Nobody is there for it any more. */
  drop(): void {
    this.#over = true;
    this.#custody?.end();
  }

  /** Faults are no longer in force: what is kept for none of those that are goes on. */
  healed(inForce: (change: BodyChange) => boolean): void {
    this.#body.healed(inForce);
    this.#book();
  }

  #book(): void {
    if (this.#over) return;
    const { waits, weight } = this.#body;
    if (!waits && weight === 0) {
      this.#custody?.book(0);
      if (!waits) this.#custody?.end();
      return;
    }
    this.#custody ??= new Custody(this.#host, this.#direction, () => {
      this.#body.late();
      this.#book();
    });
    // A copy is made beside what passes: it is given up rather than keep that waiting.
    if (!waits && this.#host.budget.exhausted) this.#body.giveUpCopies();
    this.#custody.book(this.#body.weight);
  }
}
