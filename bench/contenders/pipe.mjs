/** What Node itself offers: two sockets and `stream.pipe()` both ways. */
import { startWorker } from "../lib/processes.mjs";
import { profiling } from "./profiling.mjs";

export const pipe = {
  name: "pipe()",
  missing: null,
  start: ({ lab, upstreamPort }) =>
    startWorker("contenders/pipe-relay.mjs", [upstreamPort], {
      execArgv: profiling(lab, "pipe"),
      role: "proxy",
    }),
};
