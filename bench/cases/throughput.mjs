/** What the cases of throughput share: lanes measured side by side, what they cost, and what else was busy. */
import { FIVE, FIVE_HTTP, FIVE_TOXICS, FOR_OTHERS, FOR_OTHERS_HTTP, ONE, ONE_TOXIC } from "../faults.mjs";
import { processorSeconds } from "../lib/processes.mjs";
import { interleave } from "../lib/rounds.mjs";
import { median, pairedRatio } from "../lib/statistics.mjs";
import { openLanes, plain } from "./lanes.mjs";

export const NAMES = {
  one: "Squall, one fault",
  five: "Squall, five faults",
  others: "Squall, five faults for others",
  httpOne: "Squall, HTTP, one fault",
  httpFive: "Squall, HTTP, five faults",
  httpOthers: "Squall, HTTP, five faults for others",
};

/**
 * The relays of bytes, and Squall's TCP plane with faults. Where a case repeats another with other numbers (`again`) there
 * are no toxics and no faults for others, and in a quick run less still: it is to show that all works, and each has before.
 */
export function tcpEntries({ contenders, quick }, { again = false } = {}) {
  const { squall, haproxy, nginxStream, toxiproxy, pipe, direct } = contenders;
  return [
    ...plain([squall, haproxy, nginxStream, toxiproxy, pipe]),
    ...withFaults(
      [
        { name: NAMES.one, contender: squall, faults: ONE },
        { name: NAMES.five, contender: squall, faults: FIVE },
        { name: NAMES.others, contender: squall, faults: FOR_OTHERS },
      ],
      { quick, again },
    ),
    ...(again
      ? []
      : [
          { name: "Toxiproxy, one toxic", contender: toxiproxy, toxics: ONE_TOXIC },
          { name: "Toxiproxy, five toxics", contender: toxiproxy, toxics: FIVE_TOXICS },
        ]),
    ...plain([direct]),
  ];
}

/** Proxies that understand HTTP, and Squall's HTTP plane with faults; of those of node only one where a case is one `again`. */
export function httpEntries({ contenders, quick }, { again = false } = {}) {
  const { squallHttp, haproxyHttp, nginxHttp, httpProxy, httpProxy3, httpxy, direct } = contenders;
  return [
    ...plain([squallHttp, haproxyHttp, nginxHttp, httpProxy, ...(again ? [] : [httpProxy3, httpxy])]),
    ...withFaults(
      [
        { name: NAMES.httpOne, contender: squallHttp, faults: ONE },
        { name: NAMES.httpFive, contender: squallHttp, faults: FIVE_HTTP },
        { name: NAMES.httpOthers, contender: squallHttp, faults: FOR_OTHERS_HTTP },
      ],
      { quick, again },
    ),
    ...plain([direct]),
  ];
}

/** Of one fault, five, and five for others. */
function withFaults([one, five, others], { quick, again }) {
  if (!again) return [one, five, others];
  return quick ? [five] : [one, five];
}

export const REQUESTS = {
  unit: "requests/s",
  cost: "µs",
  costOf: (seconds, requests) => (seconds * 1e6) / requests,
};
export const BYTES = {
  unit: "MB/s",
  cost: "ms/GB",
  costOf: (seconds, bytes) => (seconds * 1e3) / (bytes / 1e9),
};

/**
 * Measures `entries` (see cases/lanes.mjs). `measure(port, seconds)` answers `{ rate, work }`, and is that of the options
 * where an entry has none of its own. `cost` names the unit of what `costOf(processor seconds, work)` answers: the
 * processor time of the proxy alone for a piece of work. `base` is the entry whose rate the others are shown against.
 * `server` and `load` are processes with a `pid`, whose busy share is told; a load that comes and goes tells
 * `loadSeconds` with its rate. `warmUp` is in seconds, and as the options say where it is not given.
 */
export async function compare(
  lab,
  { entries, upstreamPort, unit, cost, costOf, base, server, load, warmUp = lab.warmUp, ...options },
) {
  const lanes = await openLanes(lab, entries, upstreamPort);
  for (const lane of lanes) {
    const measure = lane.measure ?? options.measure;
    lane.measure = async (seconds) => {
      const [proxyBefore, serverBefore, loadBefore] = [lane.pid, server.pid, load.pid].map(processorSeconds);
      const from = performance.now();
      const { rate, work, loadSeconds } = await measure(lane.port, seconds);
      const wall = (performance.now() - from) / 1000;
      const since = (pid, before) => (before === null ? null : processorSeconds(pid) - before);
      const proxy = since(lane.pid, proxyBefore);
      const share = (used) => (used === null || used === undefined ? null : used / wall);
      return {
        rate,
        ...(proxy === null ? {} : { cost: costOf(proxy, work), proxyBusy: proxy / wall }),
        serverBusy: share(since(server.pid, serverBefore)),
        loadBusy: share(loadSeconds ?? since(load.pid, loadBefore)),
      };
    };
  }
  const results = await interleave({ ...lab, warmUp }, lanes);
  const also = (name) => {
    const middle = (key) => medianOf(results.values(name, key));
    const of = name === base || results.trouble(base) !== undefined ? null : ratioOf(results, name, base);
    const busy = { proxy: middle("proxyBusy"), server: middle("serverBusy"), load: middle("loadBusy") };
    const spent = middle("cost");
    return {
      of,
      busy,
      cost: spent === null ? null : { value: spent, unit: cost },
      heldBack: heldBack(busy, lab),
    };
  };
  const rows = lanes.map(({ name, note }) => results.row({ lane: name, key: "rate", unit, note, also }));
  return { rows, results, base };
}

function medianOf(values) {
  return values === undefined || values.some((value) => typeof value !== "number") ? null : median(values);
}

function ratioOf(results, name, base) {
  const { ratio, low, high } = pairedRatio(results.values(name, "rate"), results.values(base, "rate"));
  return { base, ratio, low, high };
}

const FULL = 0.95;

/** Whether the proxy could have done more than it was asked to: it was not busy, and what stands around it was. */
export function heldBack({ proxy, server, load }, { placement }) {
  if (proxy === null || proxy >= FULL || server === null || load === null) return false;
  if (server >= FULL || load >= FULL) return true;
  const shareOne = placement.rest !== undefined && !placement.rest.includes(",");
  return shareOne && server + load >= FULL;
}
