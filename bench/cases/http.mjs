/** Many small exchanges through proxies that understand them: what the codec, rules that do not match and a fault cost. */
import { present } from "../contenders/index.mjs";
import { atLeast } from "../lib/claims.mjs";
import { smallLoad } from "../loads/wrk.mjs";
import { smallServer } from "../servers/nginx.mjs";
import { compare } from "./throughput.mjs";

const PATH = "/v1/jobs/next";
const RULES = 20;
const SHARE = 0.1;
/** How far the share of answers that are 503 may be off: more than 10 standard deviations of 10,000 draws. */
const SHARE_OFF_MAX = 0.03;

const WITH_RULES = `Squall, HTTP, ${RULES} rules for others`;
const WITH_503 = `Squall, HTTP, ${SHARE * 100} % of 503`;

/** All ask for the method of these requests, so that each one's path has to be looked at as well. */
const rules = Array.from({ length: RULES }, (_, n) => ({
  type: ["http_status", "http_delay", "http_truncate", "lost_response"][n % 4],
  name: `rule-${n}`,
  ...[{ status: 503 }, { delay: "1s" }, { after: "1KB" }, {}][n % 4],
  match: { method: "GET", path: `/v1/queues-${n}/:queue/jobs/:id` },
}));
const refusals = [{ type: "http_status", status: 503, when: { probability: `${SHARE * 100}%` } }];

export const http = {
  name: "http",
  title: "small JSON answers over 50 keep-alive connections, by proxies that understand HTTP",
  async run(lab) {
    const server = await lab.use(smallServer(lab));
    const load = await lab.use(smallLoad(lab));
    const { squall, squallHttp, httpProxy, direct } = lab.contenders;
    const entries = [
      ...present([squallHttp, squall, httpProxy]).map((contender) => ({ name: contender.name, contender })),
      { name: WITH_RULES, contender: squallHttp, faults: rules },
      { name: WITH_503, contender: squallHttp, faults: refusals, measure: someRefused(load) },
      { name: direct.name, contender: direct },
    ];
    const { rows, rates } = await compare(lab, {
      entries,
      upstreamPort: server.port,
      unit: "requests/s",
      measure: (port, seconds) => load.measure(port, seconds, { path: PATH }),
      cost: "µs of CPU each",
      costOf: (seconds, requests) => (seconds * 1e6) / requests,
    });
    const base = rates(squall.name);
    return {
      rows,
      claims: [
        atLeast(`${squallHttp.name} / ${httpProxy.name}`, 2.4, rates(squallHttp.name), rates(httpProxy.name)),
        atLeast(`${squallHttp.name} / ${squall.name}`, 0.8, rates(squallHttp.name), base),
        atLeast(`${WITH_RULES} / ${squall.name}`, 0.7, rates(WITH_RULES), base),
        atLeast(`${WITH_503} / ${squall.name}`, 0.6, rates(WITH_503), base),
      ],
      notes: [`${load.name}, against ${server.name}; "${squall.name}" is its TCP plane`],
    };
  },
};

function someRefused(load) {
  return async (port, seconds) => {
    const result = await load.measure(port, seconds, { path: PATH, refused: true });
    if (Math.abs(result.refused - SHARE) > SHARE_OFF_MAX)
      throw new Error(`${(result.refused * 100).toFixed(1)} % of answers were not 2xx, not ${SHARE * 100} %`);
    return result;
  };
}
