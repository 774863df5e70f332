/** A port that answers no SYN: its queue of connections is full and whoever should accept them sleeps. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Worker } from "node:worker_threads";

/** Listens with the shortest queue there is, says where, and never turns its loop again. */
const SLEEPER = `
  const { parentPort } = require("node:worker_threads");
  const server = require("node:net").createServer();
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

export async function startSilentServer(): Promise<{ readonly port: number; stop(): void }> {
  const worker = new Worker(SLEEPER, { eval: true });
  const [port] = (await once(worker, "message")) as [number];
  const fillers: Socket[] = [];
  for (let connected = true; connected;) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    fillers.push(socket);
    // On loopback a handshake is over within the call; a few turns are only for hearing of it.
    for (let turn = 0; turn < 50 && socket.connecting; turn++)
      await new Promise((resolve) => setImmediate(resolve));
    connected = !socket.connecting;
  }
  return {
    port,
    stop: () => {
      for (const socket of fillers) socket.destroy();
      void worker.terminate();
    },
  };
}
