/** Requests per second over keep-alive connections: wrk, or the generator in node where there is no wrk. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { has } from "../lib/machine.mjs";
import { startWorker } from "../lib/processes.mjs";
import { ANSWER } from "../servers/nginx.mjs";

const CONNECTIONS = 50;

/** `measure(port, seconds)` answers `{ rate, work }`: requests per second, and how many there were. */
export async function smallLoad(lab) {
  if (has("wrk")) return { name: "wrk, 1 thread, 50 connections", measure: wrk, stop: async () => undefined };
  lab.log("  wrk is not installed: a load generator in node stands in");
  const worker = await startWorker("loads/small.mjs");
  const parameters = { connections: CONNECTIONS, bodyLength: ANSWER.length };
  return {
    name: "a load generator in node, 50 connections",
    measure: (port, seconds) => worker.ask("load", { port, seconds, ...parameters }),
    stop: () => worker.stop(),
  };
}

async function wrk(port, seconds) {
  const whole = Math.max(1, Math.round(seconds));
  const args = ["-t", "1", "-c", String(CONNECTIONS), "-d", `${whole}s`, `http://127.0.0.1:${port}/`];
  const { stdout } = await promisify(execFile)("wrk", args, { timeout: (whole + 20) * 1000 });
  const trouble = /Socket errors.*|Non-2xx.*/u.exec(stdout);
  if (trouble !== null) throw new Error(`wrk: ${trouble[0]}`);
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/u.exec(stdout)[1]),
    work: Number(/(\d+) requests in/u.exec(stdout)[1]),
  };
}
