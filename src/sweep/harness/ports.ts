/** Free ports for servers that are started by their number, and whether somebody listens already. */
import { connect, createServer } from "node:net";
import { randomInt } from "node:crypto";
import { HarnessError } from "../contract/run.js";

/**
 * Below those that systems give to outgoing connections (Linux 32768 to 60999, others from 49152), so that no connection of ours has the
 * port when the server wants it.
 */
const FROM = 20_000;
const TO = 32_000;
const ATTEMPTS = 200;

/** Ports that were given out in this process and may not be bound yet. */
const given = new Set<number>();

export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(FROM, TO);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
    given.delete(port);
  }
  throw new HarnessError(`no free port between ${FROM} and ${TO} was found`);
}

export function giveBack(port: number): void {
  given.delete(port);
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
