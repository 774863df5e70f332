/** The processes of a run: started here, waited for here, and ended here by their id whatever happens. */
import { execFileSync, fork, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { placed } from "./placement.mjs";

const READY_MAX_MS = 15_000;
const END_MAX_MS = 3_000;
const ANSWER_MAX_MS = 600_000;

const PORTS = { first: 12_000, count: 20_000 };

const running = new Set();
let portsTried = 0;
let where = {};

/** Where processes that are started from now on may run: see lib/placement.mjs. */
export function place(placement) {
  where = placement;
}

process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1));

/**
 * A node program of the bench: says `ready` once, then answers what it is asked. Its role is `proxy` or `rest`: it
 * decides where it runs.
 */
export async function startWorker(file, args = [], { execArgv = [], role = "rest" } = {}) {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
  const [execPath, flags] = placed(where, role, process.execPath, execArgv);
  const child = fork(path, args.map(String), {
    execPath,
    execArgv: flags,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const worker = new Worker(child, file);
  running.add(child);
  Object.assign(worker, await withTimeout(worker.ready, READY_MAX_MS, `${file} did not start`));
  return worker;
}

class Worker {
  #child;
  #name;
  #asked = 0;
  #waiting = new Map();

  constructor(child, name) {
    this.#child = child;
    this.#name = name;
    this.pid = child.pid;
    this.ready = new Promise((resolve, reject) => {
      child.on("message", (message) => {
        if (message.ready !== undefined) return resolve(message.ready);
        const waiter = this.#waiting.get(message.id);
        this.#waiting.delete(message.id);
        if (message.error === undefined) waiter?.resolve(message.result);
        else waiter?.reject(new Error(`${name}: ${message.error}`));
      });
      child.on("exit", (code, signal) => {
        running.delete(child);
        const error = new Error(`${name} ended with ${signal ?? `code ${code}`}`);
        reject(error);
        for (const waiter of this.#waiting.values()) waiter.reject(error);
      });
    });
    this.ready.catch(() => undefined);
  }

  /** Has the worker do something; answers with what it found. */
  ask(what, parameters = {}) {
    const id = ++this.#asked;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    answer.catch(() => undefined);
    this.#child.send({ id, do: what, ...parameters });
    return withTimeout(answer, ANSWER_MAX_MS, `${this.#name} did not answer to ${what}`);
  }

  stop() {
    return end(this.#child);
  }
}

/** Any other program. `ready` looks at each line of its output and answers with what is to be known, or undefined. */
export async function startProgram(command, args, { ready, port, role = "rest" } = {}) {
  const child = spawnProgram(command, args, role);
  let tail = "";
  let found;
  const told = new Promise((resolve, reject) => {
    const read = (text) => {
      tail = (tail + text).slice(-4_000);
      if (ready === undefined || found !== undefined) return;
      for (const line of tail.split("\n")) found ??= ready(line);
      if (found !== undefined) resolve(found);
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", read);
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      reject(new Error(`${command} ended with ${signal ?? `code ${code}`}\n${tail}`));
    });
  });
  told.catch(() => undefined);
  const waiting = ready === undefined ? Promise.race([told, listening(port)]) : told;
  const info = await withTimeout(waiting, READY_MAX_MS, `${command} did not start`);
  return { pid: child.pid, info, stop: () => end(child) };
}

/** A program whose output and end are its caller's business; ended with the run at the latest. */
export function spawnProgram(command, args, role = "rest") {
  const child = spawn(...placed(where, role, command, args), { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  child.on("exit", () => running.delete(child)).on("error", () => running.delete(child));
  return child;
}

async function end(child) {
  if (!running.has(child)) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const hurry = setTimeout(() => child.kill("SIGKILL"), END_MAX_MS);
  await gone;
  clearTimeout(hurry);
}

function withTimeout(promise, millis, text) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${text} within ${millis / 1000} s`)), millis);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function listening(port) {
  for (let tries = 0; tries < READY_MAX_MS / 50; tries++) {
    const there = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (there) return null;
    await sleep(50);
  }
  throw new Error(`nobody listens on port ${port}`);
}

/**
 * A port that is free now, for programs that cannot be told to choose one themselves. Below those that the kernel gives
 * to outgoing connections, which would be taken again before the program is there; and never the same one twice.
 */
export async function freePort() {
  for (let tries = 0; tries < PORTS.count; tries++) {
    const port = PORTS.first + ((process.pid + portsTried++) % PORTS.count);
    if (await canListen(port)) return port;
  }
  throw new Error(`no port from ${PORTS.first} to ${PORTS.first + PORTS.count - 1} is free`);
}

async function canListen(port) {
  const server = createServer();
  const free = new Promise((resolve) => {
    server.once("listening", () => resolve(true)).once("error", () => resolve(false));
  });
  server.listen(port, "127.0.0.1");
  if (!(await free)) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

export function sleep(millis) {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid) {
  try {
    const [, kib] = /VmRSS:\s+(\d+) kB/u.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return Number(kib) * 1024;
  } catch {
    return Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" })) * 1024;
  }
}

/** Processor time that a process has used so far, in seconds; null where the system does not tell, and for nobody. */
export function processorSeconds(pid) {
  if (pid === null || pid === undefined) return null;
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return null;
  }
}
