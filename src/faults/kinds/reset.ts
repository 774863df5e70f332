/** Tears connections down with a real RST to both sides: at once, after a time or after so many bytes. */
import { z } from "zod";
import type { Millis } from "../../core/clock.js";
import {
  defineFault,
  pass,
  reset,
  type ConnectionFault,
  type Pass,
  type Scope,
  type Sever,
} from "../contract.js";
import { Fuse, FusedStage } from "../kit.js";
import { extent, formatExtent } from "../params.js";

const params = z.object({
  after: extent()
    .optional()
    .describe(
      "a time, or bytes of both directions together, counted from when the fault takes hold of the connection; by default at once",
    ),
});

class Reset implements ConnectionFault {
  readonly #scope: Scope<z.infer<typeof params>, "reset", undefined>;
  readonly #fuse: Fuse;
  #over = false;

  constructor(scope: Scope<z.infer<typeof params>, "reset", undefined>) {
    this.#scope = scope;
    this.#fuse = new Fuse(() => scope.params.after);
  }

  /** Both sides are connected now, so that both get their RST: live connections and new ones alike. */
  opened(): Pass | Sever {
    this.#fuse.light(this.#scope.now());
    return this.wake();
  }

  stream(): FusedStage {
    return new FusedStage(
      this.#fuse,
      () => this.#burnt(),
      () => this.#over,
    );
  }

  get wakeAt(): Millis {
    return this.#over ? Infinity : this.#fuse.deadline;
  }

  wake(): Pass | Sever {
    return this.#over || this.#fuse.left(this.#scope.now()) === 0 ? this.#burnt() : pass;
  }

  #burnt(): Sever {
    if (!this.#over) this.#scope.count("reset", 1, { at_byte: this.#fuse.bytes });
    this.#over = true;
    return reset;
  }
}

export default defineFault({
  type: "reset",
  summary: "Resets connections, live and new ones, with an RST to both sides.",
  params,
  example: { type: "reset", after: "2s" },
  effects: { reset: "connections reset" },
  directions: "both",
  destroys: "reset",
  explain: ({ after }) =>
    after === undefined
      ? "resets every connection at once"
      : `resets every connection after ${formatExtent(after)}`,
  connection: (scope) => new Reset(scope),
});
