/** What the cases of throughput share: lanes measured side by side, and the targets of the TCP plane. */
import { present } from "../contenders/index.mjs";
import { atLeast, row } from "../lib/claims.mjs";
import { processorSeconds } from "../lib/processes.mjs";
import { column, format, interleave } from "../lib/rounds.mjs";
import { median } from "../lib/statistics.mjs";

/** A fault that changes nothing but has to be gone through. */
const IDLE_FAULT = { type: "latency", delay: "0ms" };
const WITH_FAULT = "Squall, latency of 0 ms";

/** The relays of bytes: what the TCP plane is held to. */
export async function compareThroughput(lab, options) {
  const { squall, pipe, direct, haproxy } = lab.contenders;
  const entries = [
    ...present([squall, pipe]).map((contender) => ({ name: contender.name, contender })),
    { name: WITH_FAULT, contender: squall, faults: [IDLE_FAULT] },
    ...present([haproxy, direct]).map((contender) => ({ name: contender.name, contender })),
  ];
  const { rows, rates } = await compare(lab, { ...options, entries });
  const base = rates(pipe.name);
  return {
    rows,
    claims: [
      atLeast(`${squall.name} / ${pipe.name}`, 1, rates(squall.name), base),
      atLeast(`${WITH_FAULT} / ${pipe.name}`, 0.8, rates(WITH_FAULT), base),
    ],
  };
}

/**
 * An entry is `{ name, contender, faults, measure }`; `measure(port, seconds)` answers `{ rate, work }` and is that of
 * the options where an entry has none of its own. `cost` names what `costOf(processor seconds, work)` answers: what one
 * unit of work takes of the processor.
 */
export async function compare(lab, { entries, upstreamPort, unit, cost, costOf, ...options }) {
  const running = new Map();
  const lanes = [];
  for (const { name, contender, faults, measure = options.measure } of entries) {
    // Lanes that differ only in what is asked for share their process.
    const shared = faults === undefined ? running.get(contender) : undefined;
    const { port, pid } = shared ?? (await lab.use(contender.start({ lab, upstreamPort, faults })));
    if (faults === undefined) running.set(contender, { port, pid });
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
  return { rows: lanes.map(({ name }) => row(name, unit, rates(name), noteOf(name))), rates };
}
