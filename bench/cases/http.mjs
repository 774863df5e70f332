/** Many small exchanges through proxies that understand them: what the codec, rules that do not match and a fault cost. */
import { smallLoad } from "../loads/wrk.mjs";
import { smallServer } from "../servers/nginx.mjs";
import { plain } from "./lanes.mjs";
import { compare, httpEntries, NAMES, REQUESTS } from "./throughput.mjs";

const PATH = "/v1/jobs/next";
const RULES = 20;
const SHARE = 0.1;
/** How far the share of answers that are 503 may be off: some 10 standard deviations of 10,000 draws, or 5 of the few of --quick. */
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

export const http = httpCase("http", 50, { claims: true });
export const http10 = httpCase("http-10", 10);
export const http500 = httpCase("http-500", 500);

function httpCase(name, connections, { claims = false } = {}) {
  return {
    name,
    title: `small JSON answers over ${connections} keep-alive connections, by proxies that understand HTTP`,
    async run(lab) {
      const server = await lab.use(smallServer(lab));
      const load = await lab.use(smallLoad(lab));
      const { squall, squallHttp, haproxyHttp, httpProxy, direct } = lab.contenders;
      const measure = (port, seconds, wanted) =>
        load.measure(port, seconds, { path: PATH, connections, ...wanted });
      const { rows, results } = await compare(lab, {
        ...REQUESTS,
        entries: [
          ...httpEntries(lab, { again: !claims }).filter(({ contender }) => contender !== direct),
          ...(claims ? ownExtras(lab.contenders, measure) : []),
          ...plain([squall, direct]),
        ],
        upstreamPort: server.port,
        base: squallHttp.name,
        server,
        load,
        measure,
      });
      const notes = [`${load.name}, against ${server.name}; "${squall.name}" is its TCP plane`];
      if (!claims) return { rows, notes };
      return {
        rows,
        claims: [
          results.atLeast(0.75, squallHttp.name, haproxyHttp.name),
          results.atLeast(2.5, squallHttp.name, httpProxy.name),
          results.atLeast(0.8, squallHttp.name, squall.name),
          results.atLeast(0.7, WITH_RULES, squall.name),
          results.atLeast(0.6, WITH_503, squall.name),
          results.atLeast(0.85, NAMES.httpOne, squallHttp.name),
          results.atLeast(0.6, NAMES.httpFive, squallHttp.name),
        ],
        notes,
      };
    },
  };
}

function ownExtras({ squallHttp }, measure) {
  return [
    { name: WITH_RULES, contender: squallHttp, faults: rules },
    { name: WITH_503, contender: squallHttp, faults: refusals, measure: someRefused(measure) },
  ];
}

function someRefused(measure) {
  return async (port, seconds) => {
    const result = await measure(port, seconds, { refused: true });
    if (Math.abs(result.refused - SHARE) > SHARE_OFF_MAX)
      throw new Error(`${(result.refused * 100).toFixed(1)} % of answers were not 2xx, not ${SHARE * 100} %`);
    return result;
  };
}
