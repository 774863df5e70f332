/**
 * Faults that are in force and change next to nothing, so that what is left is what going through them costs: for
 * Squall, and as toxics for Toxiproxy.
 */
const STREAM = [
  { type: "latency", delay: "0ms" },
  { type: "bandwidth", rate: "100GB/s" },
  { type: "slicer", size: "1GiB" },
  { type: "corrupt", rate: "0%" },
  { type: "truncate", after: "1000GB" },
];

export const ONE = STREAM.slice(0, 1);
export const FIVE = STREAM;

/** Three of them ask about every exchange. */
export const FIVE_HTTP = [
  { type: "http_status", status: 503, when: { probability: "0%" } },
  { type: "http_delay", delay: "0ms" },
  { type: "http_headers", remove: ["x-not-there"] },
  { type: "latency", delay: "0ms" },
  { type: "bandwidth", rate: "100GB/s" },
];

/** Five that are not for whoever asks here: another address, and for HTTP another bot. */
export const FOR_OTHERS = FIVE.map((fault) => ({ ...fault, match: { client: "10.255.255.1" } }));
export const FOR_OTHERS_HTTP = FIVE_HTTP.map((fault) => ({ ...fault, match: { bot: "somebody-else" } }));

const TOXICS = [
  { type: "latency", attributes: { latency: 0, jitter: 0 } },
  { type: "bandwidth", attributes: { rate: 100_000_000 } },
  { type: "slicer", attributes: { average_size: 2 ** 30, size_variation: 0, delay: 0 } },
  { type: "slow_close", attributes: { delay: 0 } },
  { type: "limit_data", attributes: { bytes: 10 ** 15 } },
];

export const ONE_TOXIC = TOXICS.slice(0, 1);
export const FIVE_TOXICS = TOXICS;
