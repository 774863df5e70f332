/** The relay of contenders/pipe.mjs, in a process of its own. */
import { connect, createServer } from "node:net";
import { ready } from "../lib/worker.mjs";

const upstreamPort = Number(process.argv[2]);

const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const upstream = connect({ host: "127.0.0.1", port: upstreamPort, allowHalfOpen: true, noDelay: true });
  client.on("error", () => upstream.destroy());
  upstream.on("error", () => client.destroy());
  client.on("close", () => upstream.destroy());
  upstream.on("close", () => client.destroy());
  client.pipe(upstream);
  upstream.pipe(client);
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => ready({ port: server.address().port }));
