/** The relay of contenders/node-tls.mjs, in a process of its own. */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { createServer } from "node:tls";
import { ready } from "../lib/worker.mjs";

const [, , upstreamPort, cert, key] = process.argv;

const options = { cert: readFileSync(cert), key: readFileSync(key), allowHalfOpen: true, noDelay: true };
const server = createServer(options, (client) => {
  const upstream = connect({
    host: "127.0.0.1",
    port: Number(upstreamPort),
    allowHalfOpen: true,
    noDelay: true,
  });
  client.on("error", () => upstream.destroy());
  upstream.on("error", () => client.destroy());
  client.on("close", () => upstream.destroy());
  upstream.on("close", () => client.destroy());
  client.pipe(upstream);
  upstream.pipe(client);
});
server.on("tlsClientError", () => undefined);
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => ready({ port: server.address().port }));
