/** Lets data flow for a while, by time or by bytes, and then cuts the connection in its stride. */
import { z } from "zod";
import { defineFault, type Hang, type Scope, type Sever } from "../../contract/index.js";
import { FusedConnection } from "../../fuse.js";
import { choice, extent, formatExtent } from "../../params.js";

const params = z.object({
  after: extent().describe(
    "a time, or bytes of both directions together, counted from when the fault takes hold of the connection",
  ),
  then: choice(["close", "reset", "hang"])
    .default("reset")
    .describe(
      "the end: a FIN to both sides, or an RST, which takes with it what a slow reader's kernel has no room for yet, or silence while the connection stays open",
    ),
});

class Cut extends FusedConnection {
  constructor(private readonly scope: Scope<z.infer<typeof params>, "cut", undefined>) {
    super(scope);
  }

  protected override book(): void {
    const { after } = this.scope.params;
    this.scope.count("cut", 1, { at_byte: this.fuse.bytes, after: formatExtent(after) });
  }

  protected override get how(): Sever | Hang {
    return { do: this.scope.params.then };
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
  at: ["wire", "tls"],
  destroys: "reset",
  explain: ({ after, then }) => `lets a connection live for ${formatExtent(after)} and then ${ENDS[then]}`,
  connection: (scope) => new Cut(scope),
});
