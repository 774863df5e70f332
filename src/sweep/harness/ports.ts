/** Free ports for servers that are started by their number, and whether somebody listens already. */
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { platform } from "node:process";
import { HarnessError } from "../contract/run.js";

/**
 * Below those that systems give to outgoing connections (Linux 32768 to 60999, others from 49152), so that no connection of ours has the
 * port when the server wants it.
 */
const FROM = 20_000;
const TO = 32_000;
const ATTEMPTS = 200;

/** Ports that were given out in this process and may not be bound yet, with what keeps other processes off them. */
const given = new Map<number, Server | null>();

/**
 * A port on which nobody listens, for a server that is started again for each run: between two runs it is free, and belongs to us all the
 * same. Another Squall on this machine would take it, and the bots of one sweep would talk to the server of another.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(FROM, TO);
    if (await take(port)) return port;
  }
  throw new HarnessError(`no free port between ${FROM} and ${TO} was found`);
}

/** Whether it was free, and is ours now. */
export async function take(port: number): Promise<boolean> {
  if (given.has(port)) return false;
  given.set(port, null);
  const mark = await marked(port);
  if (mark !== "taken" && (await isFree(port))) {
    given.set(port, mark);
    return true;
  }
  if (mark !== "taken") mark?.close();
  given.delete(port);
  return false;
}

export function giveBack(port: number): void {
  given.get(port)?.close();
  given.delete(port);
}

/**
 * A name that only one process has at a time, and that is gone with it: a socket in the abstract namespace of Linux, which is that of the
 * network, as ports are. Null where there is none.
 */
function marked(port: number): Promise<Server | "taken" | null> {
  if (platform !== "linux") return Promise.resolve(null);
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code === "EADDRINUSE" ? "taken" : null);
    });
    server.listen({ path: `\0squall-port-${port}`, exclusive: true }, () => {
      resolve(server.unref());
    });
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => {
      resolve(false);
    });
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/** Whether a connection is accepted there, within `limit` milliseconds. */
export function accepts(host: string, port: number, limit: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const done = (yes: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(yes);
    };
    const timer = setTimeout(done, limit, false);
    socket.once("connect", () => {
      done(true);
    });
    socket.once("error", () => {
      done(false);
    });
  });
}

const DATAGRAM_SOCKETS = ["/proc/self/net/udp", "/proc/self/net/udp6"];

/** Whether somebody has this port for datagrams, at any address of this network. Outside Linux nobody sees that, and it is taken to be so. */
export function takesDatagrams(port: number): boolean {
  if (platform !== "linux") return true;
  const tables = DATAGRAM_SOCKETS.map(tableIn).filter((text) => text !== null);
  return tables.length === 0 || tables.some((text) => holdsPort(text, port));
}

/** proc(5), `/proc/net/udp`: the second word of each line is the local address, all of it in hexadecimal digits. */
export function holdsPort(table: string, port: number): boolean {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  return table.split("\n").some((line) => /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) /u.exec(line)?.[1] === wanted);
}

function tableIn(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}
