/**
 * An operator in a process of its own, which has nothing else to do: calls the admin port one call after the other, and prints what
 * each took by the clock, and of the daemon's processor time, as JSON. Arguments: the port, the daemon's process id, how many calls.
 */
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

const [port, pid, calls] = process.argv.slice(2).map(Number);

const OPERATIONS = [
  ["GET", "/status", undefined],
  ["GET", "/healthz", undefined],
  ["DELETE", "/active", undefined],
  ["PUT", "/active", { faults: [{ type: "latency", delay: "1ms" }] }],
];

/** On a connection of its own, as the command makes its calls. */
function call(method, path, body) {
  const text = body === undefined ? "" : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const headers = { "content-length": Buffer.byteLength(text) };
    request({ host: "127.0.0.1", port, method, path, agent: false, headers }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0));
    })
      .on("error", reject)
      .end(text);
  });
}

/** Milliseconds of the processor; ticks of the kernel are 10 ms. */
function processor() {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

const taken = [];
for (let n = 0; n < calls; n++) {
  const [method, path, body] = OPERATIONS[n % OPERATIONS.length];
  const before = processor();
  const began = performance.now();
  let tries = 1;
  // Where others have its place before it has said what it wants.
  const status = await call(method, path, body).catch(() => (tries++, call(method, path, body)));
  taken.push({
    what: `${method} ${path}`,
    status,
    millis: performance.now() - began,
    processor: processor() - before,
    tries,
  });
  await pause(20);
}
process.stdout.write(JSON.stringify(taken));
