/** Tears connections down with a real RST to both sides: at once, after a time or after so many bytes. */
import { z } from "zod";
import {
  defineFault,
  reset,
  type ConnectionInfo,
  type Outlet,
  type Scope,
  type StreamStage,
} from "../../contract/index.js";
import { FusedConnection, FusedStage } from "../../fuse.js";
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

class Reset extends FusedConnection {
  /** A byte, or the end, has come since the fault took hold. */
  #heard = false;

  constructor(
    readonly scope: ResetScope,
    private readonly connection: ConnectionInfo,
  ) {
    super(scope);
  }

  override stream(): StreamStage {
    return new ResetStage(this);
  }

  /** A byte comes, or the end. */
  hear(): void {
    if (this.#heard) return;
    this.#heard = true;
    this.fuse.light(this.scope.now());
    this.connection.attend();
  }

  protected override get waits(): boolean {
    return this.scope.params.since === "first_byte" && !this.#heard;
  }

  protected override book(): void {
    this.scope.count("reset", 1, { at_byte: this.fuse.bytes });
  }

  protected override readonly how = reset;
}

class ResetStage extends FusedStage {
  readonly #of: Reset;
  #swallowed = false;

  constructor(of: Reset) {
    super(of);
    this.#of = of;
  }

  override push(chunk: Buffer, out: Outlet): void {
    const { fuse, scope } = this.#of;
    this.#of.hear();
    const left = fuse.left(out.now);
    const swallowing = scope.params.meanwhile === "swallow" && left > 0;
    if (!swallowing && !this.#swallowed) {
      super.push(chunk, out);
      return;
    }
    out.drop(chunk.length);
    scope.count("swallowed", chunk.length);
    this.#swallowed = true;
    fuse.pass(Math.min(chunk.length, left));
    // What went before is missing, so nothing can follow it but the end.
    if (!swallowing || chunk.length >= left) this.blow(out);
  }

  override end(out: Outlet): void {
    const { fuse, scope } = this.#of;
    this.#of.hear();
    // An end would tell that nothing more is to come: it is swallowed as well.
    if (scope.params.meanwhile === "swallow" && fuse.left(out.now) > 0) return;
    super.end(out);
  }
}

export default defineFault({
  type: "reset",
  summary: "Resets connections, live and new ones, with an RST to both sides.",
  perExchange: "lost_request before its upstream sees it, lost_response behind that",
  params,
  example: { type: "reset", after: "2s" },
  effects: { reset: "connections reset", swallowed: "bytes that went nowhere before that" },
  directions: "both",
  at: ["wire", "tls"],
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
