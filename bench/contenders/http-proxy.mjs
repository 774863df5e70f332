/** What Node programs proxy HTTP with: http-proxy and two that came after it, each with an agent that keeps its connections. */
import { hasPackage } from "../lib/machine.mjs";
import { startWorker } from "../lib/processes.mjs";
import { profiling } from "./profiling.mjs";

export const httpProxy = () => contender("http-proxy");
export const httpProxy3 = () => contender("http-proxy-3");
export const httpxy = () => contender("httpxy");

function contender(name) {
  return {
    name,
    missing: hasPackage(name) ? null : `the package ${name} is not installed`,
    start: ({ lab, upstreamPort }) =>
      startWorker("contenders/http-proxy-relay.mjs", [upstreamPort, name], {
        execArgv: profiling(lab, name),
        role: "proxy",
      }),
  };
}
