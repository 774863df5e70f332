/** Lets so many bytes through in a direction, exactly, and then ends the connection. */
import { z } from "zod";
import { formatSize } from "../../../core/units.js";
import { defineFault, type Outlet, type Scope, type StreamStage } from "../../contract/index.js";
import { choice, size } from "../../params.js";

const params = z.object({
  after: size().describe("bytes that still get through, counted from when the fault takes hold"),
  then: choice(["close", "reset", "hang"])
    .default("close")
    .describe(
      "the end: a FIN to both sides, or an RST, which takes with it what a slow reader's kernel has no room for yet, or silence in this direction while all else stays open",
    ),
  silent: choice(["cut", "wait"])
    .optional()
    .describe(
      "what becomes of a connection that may pass no byte more before one comes: it is cut at once, by default, or it lives until the next byte, or the end, comes in this direction",
    ),
});

class Truncate implements StreamStage {
  readonly #scope: Scope<z.infer<typeof params>, "truncated", undefined>;
  #passed = 0;
  #over = false;

  constructor(scope: Scope<z.infer<typeof params>, "truncated", undefined>) {
    this.#scope = scope;
  }

  push(chunk: Buffer, out: Outlet): void {
    const passing = this.#over
      ? 0
      : Math.min(chunk.length, Math.max(0, this.#scope.params.after - this.#passed));
    this.#passed += passing;
    if (passing > 0) out.emit(passing === chunk.length ? chunk : chunk.subarray(0, passing));
    if (passing < chunk.length) out.drop(chunk.length - passing);
    this.#judge(out);
  }

  end(out: Outlet): void {
    // A hang swallows the end as well; a stream that was short enough ends as it would have.
    if (this.#over || this.#reached) this.#judge(out);
    else out.end();
  }

  wake(out: Outlet): void {
    if (this.#scope.params.silent !== "wait") this.#judge(out);
  }

  #judge(out: Outlet): void {
    if (!this.#over && this.#reached) this.#cut(out);
  }

  assigned(out: Outlet): void {
    // What hangs can still be told to end otherwise.
    if (this.#over) this.#sever(out);
    else this.wake(out);
  }

  #cut(out: Outlet): void {
    this.#over = true;
    this.#scope.count("truncated", 1, { at_byte: this.#passed });
    this.#sever(out);
  }

  #sever(out: Outlet): void {
    const { then } = this.#scope.params;
    if (then !== "hang") out.sever({ do: then });
  }

  get #reached(): boolean {
    return this.#passed >= this.#scope.params.after;
  }

  release(): void {
    // Nothing is ever held here.
  }

  /** At once where nothing may pass at all: no chunk needs to come for that. */
  get wakeAt(): number {
    return !this.#over && this.#reached && this.#scope.params.silent !== "wait" ? 0 : Infinity;
  }

  readonly held = 0;
  readonly capacity = Infinity;
}

const ENDS = { close: "closes the connection", reset: "resets the connection", hang: "goes silent" } as const;

export default defineFault({
  type: "truncate",
  summary: "Lets so many bytes through in a direction, and then ends the connection.",
  params,
  example: { type: "truncate", after: "1KiB", then: "reset" },
  effects: { truncated: "streams cut short" },
  directions: "downstream",
  at: ["wire", "body", "tls"],
  destroys: "reset",
  explain: ({ after, then }) => `lets ${formatSize(after)} through and then ${ENDS[then]}`,
  stream: (scope) => new Truncate(scope),
});
