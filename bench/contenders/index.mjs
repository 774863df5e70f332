/**
 * Who is measured. A contender stands between a client and one upstream:
 *
 *     name       as in the tables
 *     start({ lab, upstreamPort, faults })  ->  { port, pid, stop() }
 *
 * `null` stands for one that is not installed here. A further peer is a file beside this one and a line below.
 */
import { has } from "../lib/machine.mjs";
import { direct } from "./direct.mjs";
import { haproxy } from "./haproxy.mjs";
import { httpProxy } from "./http_proxy.mjs";
import { pipe } from "./pipe.mjs";
import { squall, squallHttp } from "./squall.mjs";

export async function contenders(lab) {
  if (!has("haproxy")) lab.log("haproxy is not installed: measured without it");
  return { squall, squallHttp, pipe, httpProxy, direct, haproxy: has("haproxy") ? haproxy : null };
}

/** Those of a list that are there. */
export function present(list) {
  return list.filter((contender) => contender !== null);
}
