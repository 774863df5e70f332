/** Requests per second over keep-alive connections: wrk, or the generator in node where there is no wrk. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { has } from "../lib/machine.mjs";
import { startWorker } from "../lib/processes.mjs";

const CONNECTIONS = 50;

/**
 * `measure(port, seconds, { path, refused })` answers `{ rate, work, refused }`: requests per second, how many there
 * were, and the share answered with something else than 2xx, which is an error but where `refused` allows for it.
 */
export async function smallLoad(lab) {
  if (has("wrk")) return { name: "wrk, 1 thread, 50 connections", measure: wrk, stop: async () => undefined };
  lab.log("  wrk is not installed: a load generator in node stands in");
  const worker = await startWorker("loads/small.mjs");
  const parameters = { connections: CONNECTIONS };
  return {
    name: "a load generator in node, 50 connections",
    measure: (port, seconds, { path = "/" } = {}) =>
      worker.ask("load", { port, seconds, path, ...parameters }),
    stop: () => worker.stop(),
  };
}

async function wrk(port, seconds, { path = "/", refused = false } = {}) {
  const whole = Math.max(1, Math.round(seconds));
  const args = ["-t", "1", "-c", String(CONNECTIONS), "-d", `${whole}s`, `http://127.0.0.1:${port}${path}`];
  const { stdout } = await promisify(execFile)("wrk", args, { timeout: (whole + 20) * 1000 });
  const trouble = (refused ? /Socket errors.*/u : /Socket errors.*|Non-2xx.*/u).exec(stdout);
  if (trouble !== null) throw new Error(`wrk: ${trouble[0]}`);
  const work = Number(/(\d+) requests in/u.exec(stdout)[1]);
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/u.exec(stdout)[1]),
    work,
    refused: Number(/Non-2xx or 3xx responses: (\d+)/u.exec(stdout)?.[1] ?? 0) / work,
  };
}
