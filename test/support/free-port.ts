/** Ports for programs that have to be told theirs, and for servers that are not there. */
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Below those that systems give to whoever asks for any port, and to outgoing connections (Linux 32768 to 60999, others from 49152): no
 * other test is given the port meanwhile, however long it takes, and what dials it reaches nobody. Sweeps take theirs above.
 */
const FROM = 11_000;
const TO = 20_000;

/** Given out in this process. */
const given = new Set<number>();

/** A TCP port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FROM, TO);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
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
