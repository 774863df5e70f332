/** Small requests as fast as they are answered: wrk, or the generator in node where there is no wrk. */
import { once } from "node:events";
import { has } from "../lib/machine.mjs";
import { processorSeconds, sleep, spawnProgram, startWorker } from "../lib/processes.mjs";

const CONNECTIONS = 50;
/** wrk is stopped long before. */
const WHOLE_TIME = "600s";
const END_MAX_MS = 10_000;
const ATTEMPTS = 3;

/**
 * `measure(port, seconds, { connections, path, close, refused, secure })` answers `{ rate, work, refused, loadSeconds }`: requests
 * per second, how many there were, the share answered with something else than 2xx, which is an error but where `refused`
 * allows for it, and the processor time that the load took. With `close` each request has a connection of its own. `secure` asks over TLS.
 */
export async function smallLoad(lab) {
  if (has("wrk")) return { name: "wrk, 1 thread", measure: wrk, pid: null, stop: async () => undefined };
  lab.log("  wrk is not installed: a load generator in node stands in");
  const worker = await startWorker("loads/small.mjs");
  return {
    name: "a load generator in node",
    measure: async (port, seconds, { refused = false, ...wanted } = {}) => {
      const found = await worker.ask("load", {
        port,
        seconds,
        connections: CONNECTIONS,
        path: "/",
        ...wanted,
      });
      if (found.refused > 0 && !refused)
        throw new Error(`${found.refused * 100} % of the answers were not 2xx`);
      return found;
    },
    pid: worker.pid,
    stop: () => worker.stop(),
  };
}

/**
 * On a machine that is very busy a short time may pass without an answer: that is no figure, and not a fault by itself.
 * Each further attempt has four times as long.
 */
async function wrk(port, seconds, wanted) {
  for (let attempt = 1; ; attempt++) {
    const found = await wrkOnce(port, seconds * 4 ** (attempt - 1), wanted);
    if (found.work > 0) return found;
    if (attempt === ATTEMPTS) throw new Error(`wrk: not one request was answered in ${ATTEMPTS} attempts`);
  }
}

async function wrkOnce(
  port,
  seconds,
  { connections = CONNECTIONS, path = "/", close = false, refused = false, secure = false } = {},
) {
  const headers = close ? ["-H", "Connection: close"] : [];
  const args = ["-t", "1", "-c", String(connections), "-d", WHOLE_TIME, ...headers];
  const child = spawnProgram("wrk", [...args, `${secure ? "https" : "http"}://127.0.0.1:${port}${path}`]);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const closed = once(child, "close");
  await Promise.race([sleep(seconds * 1000), closed]);
  const loadSeconds = processorSeconds(child.pid);
  // It sums up and ends, as at ^C.
  child.kill("SIGINT");
  const late = setTimeout(() => child.kill("SIGKILL"), END_MAX_MS);
  await closed;
  clearTimeout(late);
  const total = /(\d+) requests in/u.exec(stdout);
  if (total === null)
    throw new Error(`wrk: ${`${stderr}${stdout}`.trim().split("\n").at(-1) || "no result"}`);
  const trouble = (refused ? /Socket errors.*/u : /Socket errors.*|Non-2xx.*/u).exec(stdout);
  if (trouble !== null) throw new Error(`wrk: ${trouble[0]}`);
  const work = Number(total[1]);
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/u.exec(stdout)[1]),
    work,
    refused: Number(/Non-2xx or 3xx responses: (\d+)/u.exec(stdout)?.[1] ?? 0) / Math.max(1, work),
    loadSeconds,
  };
}
