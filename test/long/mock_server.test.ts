import { readFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { Readable } from "node:stream";
import { afterAll, expect, it } from "vitest";
import { Workshop, type Squall } from "../support/process.js";
import { ask, register } from "../mock/support.js";

const shop = new Workshop();
afterAll(() => shop.close());

async function start(folder: string): Promise<{ process: Squall; url: string }> {
  const process = shop.start(["mock-server", "--port", "0", "--json", "--data", `${shop.folder}/${folder}`]);
  const [, url = ""] = await process.printed(/"url":"([^"]+)"/u);
  return { process, url };
}

/** Makes `count` calls over so many kept connections, and gives the bodies of their answers. */
async function storm(
  url: string,
  connections: number,
  count: number,
  request: () => string,
): Promise<string[]> {
  const { hostname, port } = new URL(url);
  const bodies: string[] = [];
  let begun = 0;
  const run = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = net.connect(Number(port), hostname);
      let text = "";
      const next = (): void => {
        if (begun++ < count) socket.write(request());
        else socket.end(() => resolve());
      };
      socket.setNoDelay(true).setEncoding("utf8");
      socket.on("connect", next);
      socket.on("error", reject);
      socket.on("data", (chunk: string) => {
        text += chunk;
        const head = text.indexOf("\r\n\r\n");
        const length = Number(/content-length: (\d+)/iu.exec(text.slice(0, head))?.[1] ?? 0);
        if (head < 0 || text.length < head + 4 + length) return;
        if (!/^HTTP\/1.1 20[01]/u.test(text)) return reject(new Error(text));
        bodies.push(text.slice(head + 4));
        text = "";
        next();
      });
    });
  await Promise.all(Array.from({ length: connections }, run));
  return bodies;
}

function post(path: string, token: string, body: string): string {
  const head = `POST ${path} HTTP/1.1\r\nhost: jobs\r\nauthorization: Bearer ${token}\r\n`;
  return `${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

it("grants 3,000 leases a second, each of them durable before it is answered", async () => {
  const { url } = await start("leases");
  const { token } = await register(url);
  const jobs = 30_000;
  const timed = async (what: string, calls: () => string): Promise<{ bodies: string[]; rate: number }> => {
    const begun = performance.now();
    const bodies = await storm(url, 64, jobs, calls);
    const rate = jobs / ((performance.now() - begun) / 1000);
    console.log(`  ${what}: ${Math.round(rate)} a second`);
    return { bodies, rate };
  };
  await timed("submissions", () => post("/v1/jobs", token, `{"type":"t","payload":{"n":1}}`));
  const { bodies, rate } = await timed("leases", () => post("/v1/lease?wait=1s", token, "{}"));
  expect(rate).toBeGreaterThan(3_000);
  const leases = bodies.map((text) => JSON.parse(text) as { job: { id: string }; lease_id: string });
  expect(new Set(leases.map(({ job }) => job.id)).size).toBe(jobs);
  await timed("completions", () => {
    const { job, lease_id } = leases.pop() ?? { job: { id: "" }, lease_id: "" };
    return post(`/v1/jobs/${job.id}/complete`, token, JSON.stringify({ lease_id, result: 1 }));
  });
  expect((await ask(url, "GET /v1/audit?jobs=none")).body).toMatchObject({
    totals: { leases: jobs, completions: jobs, refused: 0 },
  });
});

it("takes and gives bodies of 256 MiB with flat memory", async () => {
  const { process, url } = await start("bodies");
  const { token } = await register(url);
  const peak = (): number => {
    const status = readFileSync(`/proc/${String(process.child.pid)}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+)/u.exec(status)?.[1]) / 1024;
  };
  const size = 256 * 2 ** 20;
  const chunk = Buffer.alloc(2 ** 16, "squall ");
  const send = (method: string, path: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = {
        "authorization": `Bearer ${token}`,
        "content-type": "application/octet-stream",
        "content-length": size,
      };
      const request = http.request(url + path, { method, agent: false, headers }, (response) => {
        response.resume().on("end", () => resolve(response.statusCode ?? 0));
      });
      request.on("error", reject);
      Readable.from(Array.from({ length: size / chunk.length }, () => chunk)).pipe(request);
    });
  // Small ones first: what the process needs for any body is not counted.
  await ask(url, "POST /v1/jobs?type=t&priority=-9", {
    raw: Buffer.alloc(2 ** 22),
    headers: { "content-type": "application/octet-stream" },
  });
  const before = peak();
  expect(await send("POST", "/v1/jobs?type=t")).toBe(201);
  const { body } = await ask(url, "POST /v1/lease", { token });
  const { id } = body["job"] as { id: string };
  expect(await send("PUT", `/v1/jobs/${id}/artifacts/out`)).toBe(201);
  for (const what of ["payload", "artifacts/out"]) {
    const answer = await fetch(`${url}/v1/jobs/${id}/${what}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    let got = 0;
    for await (const part of answer.body ?? []) got += (part as Uint8Array).length;
    expect(got).toBe(size);
  }
  console.log(
    `  peak of RSS ${before.toFixed(1)} MiB before, ${peak().toFixed(1)} MiB after 1 GiB in bodies of 256 MiB`,
  );
  expect(peak() - before).toBeLessThan(64);
});
