/** What the cases of throughput share: the same lanes, held to the same targets. */
import { present } from "../contenders/index.mjs";
import { atLeast, row } from "../lib/claims.mjs";
import { processorSeconds } from "../lib/processes.mjs";
import { column, format, interleave } from "../lib/rounds.mjs";
import { median } from "../lib/statistics.mjs";

/** A fault that changes nothing but has to be gone through. */
const IDLE_FAULT = { type: "latency", delay: "0ms" };
const WITH_FAULT = "Squall, latency of 0 ms";

/** `cost` names what `costOf(processor seconds, rate, seconds)` answers: what one unit of work takes of the processor. */
export async function compareThroughput(lab, { upstreamPort, unit, measure, cost, costOf }) {
  const { squall, pipe, direct, haproxy } = lab.contenders;
  const entries = [
    ...present([squall, pipe]).map((contender) => ({ name: contender.name, contender })),
    { name: WITH_FAULT, contender: squall, faults: [IDLE_FAULT] },
    ...present([haproxy, direct]).map((contender) => ({ name: contender.name, contender })),
  ];
  const lanes = [];
  for (const { name, contender, faults } of entries) {
    const { port, pid } = await lab.use(contender.start({ lab, upstreamPort, faults }));
    lanes.push({
      name,
      async measure(seconds) {
        const before = pid === null ? null : processorSeconds(pid);
        const { rate, work } = await measure(port, seconds);
        if (before === null) return { rate };
        return { rate, [cost]: costOf(processorSeconds(pid) - before, work) };
      },
    });
  }
  const results = await interleave(lab, lanes);
  const rates = (name) => column(results.get(name), "rate");
  const noteOf = (name) => {
    const costs = column(results.get(name), cost);
    return costs.includes(undefined) ? "" : `${format(median(costs))} ${cost}`;
  };
  const base = rates(pipe.name);
  return {
    rows: lanes.map(({ name }) => row(name, unit, rates(name), noteOf(name))),
    claims: [
      atLeast(`${squall.name} / ${pipe.name}`, 1, rates(squall.name), base),
      atLeast(`${WITH_FAULT} / ${pipe.name}`, 0.8, rates(WITH_FAULT), base),
    ],
  };
}
