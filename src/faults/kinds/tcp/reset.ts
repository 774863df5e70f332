/** Tears connections down with a real RST to both sides: at once, after a time or after so many bytes. */
import { z } from "zod";
import type { Millis } from "../../../core/clock.js";
import {
  defineFault,
  pass,
  reset,
  type ConnectionFault,
  type ConnectionInfo,
  type Outlet,
  type Pass,
  type Scope,
  type Sever,
  type StreamStage,
} from "../../contract/index.js";
import { Fuse, FusedStage } from "../../fuse.js";
import { choice, extent, formatExtent } from "../../params.js";

const params = z.object({
  after: extent()
    .optional()
    .describe(
      "a time, or bytes of both directions together, counted from when the fault takes hold of the connection; by default at once",
    ),
  meanwhile: choice(["pass", "swallow"])
    .optional()
    .describe("what becomes of bytes until then: they pass, by default, or they are swallowed"),
  since: choice(["start", "first_byte"])
    .optional()
    .describe(
      "what a time is counted from: start, the default, is when the fault takes hold; with first_byte a connection lives until the first byte, or the end, comes in a direction of the fault",
    ),
});
type ResetScope = Scope<z.infer<typeof params>, "reset" | "swallowed", undefined>;

class Reset implements ConnectionFault {
  readonly #scope: ResetScope;
  readonly #fuse: Fuse;
  readonly #connection: ConnectionInfo;
  /** A byte, or the end, has come since the fault took hold. */
  #heard = false;
  #over = false;

  constructor(scope: ResetScope, connection: ConnectionInfo) {
    this.#scope = scope;
    this.#connection = connection;
    this.#fuse = new Fuse(() => scope.params.after);
  }

  /** Both sides are connected now, so that both get their RST: live connections and new ones alike. */
  opened(): Pass | Sever {
    return this.wake();
  }

  stream(): StreamStage {
    return new ResetStage(
      this.#scope,
      this.#fuse,
      () => this.#burnt(),
      () => this.#over,
      () => {
        if (this.#heard) return;
        this.#heard = true;
        this.#fuse.light(this.#scope.now());
        this.#connection.attend();
      },
    );
  }

  get wakeAt(): Millis {
    return this.#over || this.#waits ? Infinity : this.#fuse.deadline;
  }

  wake(): Pass | Sever {
    if (this.#waits) return pass;
    return this.#over || this.#fuse.left(this.#scope.now()) === 0 ? this.#burnt() : pass;
  }

  get #waits(): boolean {
    return this.#scope.params.since === "first_byte" && !this.#heard;
  }

  #burnt(): Sever {
    if (!this.#over) this.#scope.count("reset", 1, { at_byte: this.#fuse.bytes });
    this.#over = true;
    return reset;
  }
}

class ResetStage extends FusedStage {
  #swallowed = false;

  constructor(
    private readonly scope: ResetScope,
    private readonly limit: Fuse,
    private readonly blown: () => Sever,
    spent: () => boolean,
    private readonly begun: () => void,
  ) {
    super(limit, blown, spent);
  }

  override push(chunk: Buffer, out: Outlet): void {
    this.begun();
    const left = this.limit.left(out.now);
    const swallowing = this.scope.params.meanwhile === "swallow" && left > 0;
    if (!swallowing && !this.#swallowed) {
      super.push(chunk, out);
      return;
    }
    out.drop(chunk.length);
    this.scope.count("swallowed", chunk.length);
    this.#swallowed = true;
    this.limit.pass(Math.min(chunk.length, left));
    // What went before is missing, so nothing can follow it but the end.
    if (!swallowing || chunk.length >= left) out.sever(this.blown());
  }

  override end(out: Outlet): void {
    this.begun();
    // An end would tell that nothing more is to come: it is swallowed as well.
    if (this.scope.params.meanwhile === "swallow" && this.limit.left(out.now) > 0) return;
    super.end(out);
  }
}

export default defineFault({
  type: "reset",
  summary: "Resets connections, live and new ones, with an RST to both sides.",
  perExchange:
    "truncate with `direction: upstream, after: 0B, then: reset` before its upstream sees it, lost_response behind that",
  params,
  example: { type: "reset", after: "2s" },
  effects: { reset: "connections reset", swallowed: "bytes that went nowhere before that" },
  directions: "both",
  destroys: "reset",
  explain: ({ after, meanwhile, since }) => {
    const late = since === "first_byte";
    if (after === undefined) return `resets every connection ${late ? "at its first byte" : "at once"}`;
    const before = meanwhile === "swallow" ? "swallows everything and " : "";
    const when = late ? `${formatExtent(after)} after its first byte` : `after ${formatExtent(after)}`;
    return `${before}resets every connection ${when}`;
  },
  connection: (scope, connection) => new Reset(scope, connection),
});
