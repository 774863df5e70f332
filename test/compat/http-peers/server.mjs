/** node:http and express as servers of the matrix: `server.mjs node|express`. Prints its port once it listens. */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import express from "express";

const LARGE = Buffer.alloc(4_200_000, "squall ");
const SMALL = { state: "queued" };

function seen(request, body) {
  const { rawHeaders } = request;
  const fields = rawHeaders.flatMap((name, n) =>
    n % 2 === 0 && name.toLowerCase() !== "host" ? [[name, rawHeaders[n + 1]]] : [],
  );
  return [request.method, request.url, fields, body.length, createHash("sha256").update(body).digest("hex")];
}

async function read(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

const SERVERS = {
  node: async (request, response) => {
    const json = { "content-type": "application/json" };
    switch (`${request.method === "HEAD" ? "GET" : request.method} ${request.url}`) {
      case "GET /small":
        return response.writeHead(200, { ...json, "Set-Cookie": ["a=1", "b=2"] }).end(JSON.stringify(SMALL));
      case "GET /large":
        // Without a length: in chunks.
        response.write(LARGE.subarray(0, 100_000));
        return response.end(LARGE.subarray(100_000));
      case "GET /redirect":
        return response.writeHead(302, { location: "/small" }).end();
      case "GET /connection":
        return response.end(String(request.socket.remotePort));
      case "POST /echo":
        return response.writeHead(201, json).end(JSON.stringify(seen(request, await read(request))));
      default:
        return response.writeHead(404).end("not here\n");
    }
  },
  express: express()
    .get("/small", (_request, response) => response.json(SMALL))
    .get("/large", (_request, response) => response.send(LARGE))
    .get("/redirect", (_request, response) => response.redirect("/small"))
    .get("/connection", (request, response) => response.send(String(request.socket.remotePort)))
    .post("/echo", express.raw({ type: () => true, limit: "1mb" }), (request, response) =>
      response.status(201).json(seen(request, request.body)),
    ),
};

const server = createServer(SERVERS[process.argv[2]]);
server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
process.on("disconnect", () => process.exit());
