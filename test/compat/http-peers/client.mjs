/**
 * The clients of the matrix that run in Node, as a program: `client.mjs KIND BASE RESOURCES BODY_FILE REUSED`.
 * It prints what came of each scenario, as JSON, and nothing else.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { Readable } from "node:stream";
import axios from "axios";

const [kind, base, resourcesText, bodyFile, reused] = process.argv.slice(2);
const body = readFileSync(bodyFile, "utf8");
const resources = JSON.parse(resourcesText);
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const THIRD = Math.ceil(body.length / 3);
const pieces = () => [0, 1, 2].map((n) => Buffer.from(body.slice(n * THIRD, (n + 1) * THIRD)));

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const bare = axios.create({
  httpAgent: agent,
  adapter: "http",
  proxy: false,
  responseType: "arraybuffer",
  decompress: false,
  validateStatus: () => true,
});

/** Each takes `{ method, path, headers, body, chunks }` and answers `{ status, headers, body }`. */
const CLIENTS = {
  async fetch({ method, path, headers, body, chunks }) {
    const stream = chunks === undefined ? undefined : Readable.toWeb(Readable.from(chunks));
    const response = await fetch(`${base}${path}`, {
      method,
      headers,
      body: stream ?? body,
      ...(stream === undefined ? {} : { duplex: "half" }),
    });
    return {
      status: response.status,
      headers: [...response.headers],
      body: Buffer.from(await response.arrayBuffer()),
    };
  },

  agent: ({ method, path, headers, body, chunks }) =>
    new Promise((resolve, reject) => {
      const asked = httpRequest(`${base}${path}`, { method, headers, agent }, (response) => {
        const parts = [];
        response.on("data", (part) => parts.push(part)).on("error", reject);
        response.on("end", () => {
          const { rawHeaders } = response;
          const pairs = rawHeaders.flatMap((name, n) =>
            n % 2 === 0 ? [[name.toLowerCase(), rawHeaders[n + 1]]] : [],
          );
          resolve({ status: response.statusCode, headers: pairs, body: Buffer.concat(parts) });
        });
      });
      asked.on("error", reject);
      for (const chunk of chunks ?? []) asked.write(chunk);
      asked.end(body);
    }),

  async axios({ method, path, headers, body, chunks }) {
    const data = chunks === undefined ? body : Readable.from(chunks);
    const response = await bare.request({
      url: `${base}${path}`,
      method,
      headers,
      data,
      maxRedirects: chunks === undefined ? 5 : 0,
    });
    return {
      status: response.status,
      headers: Object.entries(response.headers.toJSON()).map(([name, value]) => [
        name.toLowerCase(),
        String(value),
      ]),
      body: Buffer.from(response.data),
    };
  },
};

const outcomes = [];
async function play(scenario, wanted) {
  const { status, headers, body } = await CLIENTS[kind](wanted);
  const sha256 = createHash("sha256").update(body).digest("hex");
  outcomes.push({ scenario, status, headers, length: body.length, sha256 });
  return body.toString();
}

await play("GET", { method: "GET", path: resources.get });
await play("POST with a body", { method: "POST", path: resources.post, headers: FORM, body });
await play("chunked upload", { method: "POST", path: resources.post, headers: FORM, chunks: pieces() });
await play("HEAD", { method: "HEAD", path: resources.head });
await play("404", { method: "GET", path: "/missing" });
await play("large download", { method: "GET", path: resources.large });
await play("redirect", { method: "GET", path: resources.redirect });
const connections = new Set();
for (let n = 0; n < Number(reused); n++) {
  connections.add(await play("keep-alive", { method: "GET", path: resources.connection ?? resources.get }));
}
// The names of connections differ from run to run: only how many there were is compared.
for (const outcome of outcomes) {
  if (outcome.scenario !== "keep-alive") continue;
  outcome.sha256 = "";
  outcome.length = 0;
  outcome.headers = outcome.headers.filter(([name]) => !["content-length", "etag"].includes(name));
}
process.stdout.write(JSON.stringify({ outcomes, connections: connections.size }));
process.exit();
