/** Lets data flow for a while, by time or by bytes, and then cuts the connection in its stride. */
import { z } from "zod";
import type { Millis } from "../../../core/clock.js";
import {
  defineFault,
  hang,
  pass,
  type ConnectionFault,
  type Hang,
  type Pass,
  type Scope,
  type Sever,
} from "../../contract/index.js";
import { Fuse, FusedStage } from "../../fuse.js";
import { choice, extent, formatExtent } from "../../params.js";

const params = z.object({
  after: extent().describe(
    "a time, or bytes of both directions together, counted from when the fault takes hold of the connection",
  ),
  then: choice(["close", "reset", "hang"])
    .default("reset")
    .describe("the end: a FIN or an RST to both sides, or silence while the connection stays open"),
});

class Cut implements ConnectionFault {
  readonly #scope: Scope<z.infer<typeof params>, "cut", undefined>;
  readonly #fuse: Fuse;
  #over = false;

  constructor(scope: Scope<z.infer<typeof params>, "cut", undefined>) {
    this.#scope = scope;
    this.#fuse = new Fuse(() => scope.params.after);
  }

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
    if (!this.#over && this.#fuse.left(this.#scope.now()) > 0) return pass;
    const how = this.#burnt();
    return how.do === "hang" ? pass : how;
  }

  #burnt(): Sever | Hang {
    if (!this.#over) {
      this.#over = true;
      const { after } = this.#scope.params;
      this.#scope.count("cut", 1, { at_byte: this.#fuse.bytes, after: formatExtent(after) });
    }
    const { then } = this.#scope.params;
    return then === "hang" ? hang : { do: then };
  }
}

const ENDS = { close: "closes it", reset: "resets it", hang: "lets it go silent both ways" } as const;

export default defineFault({
  type: "cut",
  summary: "Lets data flow for a time or for so many bytes, and then cuts the connection.",
  perExchange: "truncate, with `after` in bytes",
  params,
  example: { type: "cut", after: "64KiB", then: "reset" },
  effects: { cut: "connections cut" },
  directions: "both",
  destroys: "reset",
  explain: ({ after, then }) => `lets a connection live for ${formatExtent(after)} and then ${ENDS[then]}`,
  connection: (scope) => new Cut(scope),
});
