/** Sends back what comes in, and closes when the other side does. */
import { createServer } from "node:net";
import { ready } from "../lib/worker.mjs";

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("data", (chunk) => socket.write(chunk));
  socket.on("error", () => undefined);
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => ready({ port: server.address().port }));
