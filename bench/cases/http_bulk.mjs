/** Bodies of 1 MiB, both ways: what the codec costs where there is little of it. */
import { atLeast } from "../lib/claims.mjs";
import { startWorker } from "../lib/processes.mjs";
import { compare } from "./throughput.mjs";

const BODY_BYTES = 2 ** 20;

export const httpBulk = {
  name: "http-bulk",
  title: "bodies of 1 MiB, one exchange after the other on each of 4 keep-alive connections",
  async run(lab) {
    const server = await lab.use(startWorker("servers/bodies.mjs", [BODY_BYTES]));
    const client = await lab.use(startWorker("loads/bodies.mjs", [BODY_BYTES]));
    const { squall, squallHttp, pipe, httpProxy, direct } = lab.contenders;
    const entries = ["GET", "POST"].flatMap((method) =>
      [squallHttp, squall, pipe, httpProxy, direct].map((contender) => ({
        name: `${contender.name}, ${method}`,
        contender,
        measure: (port, seconds) => client.ask("exchange", { port, seconds, method }),
      })),
    );
    const { rows, rates } = await compare(lab, {
      entries,
      upstreamPort: server.port,
      unit: "MB/s",
      cost: "ms of CPU per GB",
      costOf: (seconds, bytes) => (seconds * 1e3) / (bytes / 1e9),
    });
    const claims = ["GET", "POST"].map((method) => {
      const [own, base] = [squallHttp, pipe].map(({ name }) => `${name}, ${method}`);
      return atLeast(`${own} / ${base}`, 0.9, rates(own), rates(base));
    });
    return { rows, claims, notes: ["GET has the body in the answer, POST in the request"] };
  },
};
