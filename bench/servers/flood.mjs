/** Sends bytes to everybody for as long as they are taken. */
import { createServer } from "node:net";
import { ready } from "../lib/worker.mjs";

const CHUNK = Buffer.alloc(256 * 1024, "squall ");

const server = createServer({ noDelay: true }, (socket) => {
  const send = () => {
    while (!socket.destroyed && socket.write(CHUNK));
  };
  socket.on("drain", send).on("error", () => undefined);
  send();
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => ready({ port: server.address().port }));
