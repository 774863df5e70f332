/** The relay of HTTP of contenders/node-tls.mjs, in a process of its own: Node's own server, and Node's own client that dials for each. */
import { readFileSync } from "node:fs";
import { Agent, request as ask } from "node:http";
import { createServer } from "node:https";
import { ready } from "../lib/worker.mjs";

const [, , upstreamPort, cert, key] = process.argv;

const agents = new WeakMap();

/** One connection to the server for each client's, as a proxy has it whose server is to see who is who. */
function agentOf(client) {
  let agent = agents.get(client);
  if (agent === undefined) {
    agent = new Agent({ keepAlive: true, maxSockets: 1, noDelay: true });
    agents.set(client, agent);
    client.once("close", () => agent.destroy());
  }
  return agent;
}

/** What is said of the connection is for that connection alone (RFC 9110, 7.6.1). */
function forwarded({ connection: _, ...headers }) {
  return headers;
}

const options = {
  cert: readFileSync(cert),
  key: readFileSync(key),
  noDelay: true,
  keepAliveTimeout: 600_000,
};
const server = createServer(options, (request, response) => {
  const { method, url: path, headers, socket } = request;
  const upstream = ask({
    host: "127.0.0.1",
    port: Number(upstreamPort),
    agent: agentOf(socket),
    method,
    path,
    headers: forwarded(headers),
  });
  upstream.on("response", (answer) => {
    response.writeHead(answer.statusCode, forwarded(answer.headers));
    answer.pipe(response);
  });
  upstream.on("error", () => socket.destroy());
  request.pipe(upstream);
});
server.on("tlsClientError", () => undefined);
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => ready({ port: server.address().port }));
