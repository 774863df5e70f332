import http from "node:http";
import { connect, createServer } from "node:net";
import { afterAll, expect, it } from "vitest";
import { onTestFinished } from "vitest";
import { onForbiddenPort } from "../../support/forbidden-port.js";
import { command } from "../../support/command-here.js";
import { Workshop } from "../../support/process.js";
import { ask, mockServer, watchedBot } from "../support.js";

const shop = new Workshop();
afterAll(() => shop.close());

const load = (url: string, ...words: string[]) =>
  command(["load", "--server", url, ...words], { cwd: shop.folder });

it("submits a graph of jobs, waits for the bots, and says as JSON that each was done once", async () => {
  const { url } = await mockServer();
  watchedBot(url, { concurrency: 4 });
  const { code, out, err } = await load(
    url,
    "--jobs",
    "40",
    "--depth",
    "3",
    "--fanout",
    "2",
    "--size",
    "1KiB",
    "--json",
  );
  expect([code, err]).toEqual([0, ""]);
  const report = JSON.parse(out) as Record<string, unknown>;
  expect(report).toMatchObject({
    jobs: 40,
    submitted: 40,
    completed: 40,
    lost: [],
    twice: [],
    ok: true,
    timed_out: false,
  });
  const { body } = await ask(url, `GET /v1/audit?prefix=${String(report["prefix"])}`);
  const rows = body["jobs"] as { id: string; completions: number }[];
  expect(rows.map(({ completions }) => completions)).toEqual(rows.map(() => 1));
  const last = await ask(url, `GET /v1/jobs/${rows.at(-1)?.id ?? ""}`);
  expect(last.body["depends_on"]).toHaveLength(1);
});

it("reaches a server on a port that fetch refuses, with small jobs and with bodies of their own", async () => {
  const { url } = await mockServer();
  const { server, port } = await onForbiddenPort(() =>
    createServer((client) => {
      const there = connect(Number(new URL(url).port), "127.0.0.1");
      client.on("error", () => there.destroy()).pipe(there);
      there.on("error", () => client.destroy()).pipe(client);
    }),
  );
  onTestFinished(() => {
    server.close();
  });
  // The bot goes the same way.
  const here = `http://127.0.0.1:${port}`;
  watchedBot(here);
  for (const size of ["1KiB", "1MiB"]) {
    const { code, out, err } = await load(here, "--jobs", "2", "--size", size, "--json");
    expect([code, err]).toEqual([0, ""]);
    expect(JSON.parse(out)).toMatchObject({ completed: 2, ok: true });
  }
});

it("submits large payloads as bodies of their own", async () => {
  const { url } = await mockServer();
  watchedBot(url);
  const { code } = await load(url, "--jobs", "2", "--size", "3MiB", "--json");
  expect(code).toBe(0);
  const { body } = await ask(url, "GET /v1/jobs");
  for (const { id } of body["jobs"] as { id: string }[])
    expect((await ask(url, `GET /v1/jobs/${id}`)).body["body"]).toMatchObject({ bytes: 3 * 2 ** 20 });
});

it("ends with 1 and names the jobs if nobody has done them in time", async () => {
  const { url } = await mockServer();
  const { code, out, err } = await load(url, "--jobs", "7", "--timeout", "3s");
  expect(code).toBe(1);
  expect(out).toMatch(
    /7 of 7 jobs submitted, 0 completed[\s\S]*the time was up[\s\S]*lost: job-1-\w+, .* and 2 more/u,
  );
  expect(err).toBe("squall: load: not every job was done exactly once\n");
});

it("ends with 1 if the server tells of a completion too many", async () => {
  const { url } = await mockServer();
  watchedBot(url);
  const liar = http.createServer((request, response) => {
    const onward = http.request(
      url + (request.url ?? ""),
      { method: request.method ?? "", headers: request.headers },
      (answer) => {
        let text = "";
        answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
        answer.on("end", () =>
          response
            .writeHead(answer.statusCode ?? 0)
            .end(text.replaceAll(`"completions":1,`, `"completions":2,`)),
        );
      },
    );
    request.pipe(onward);
  });
  const lying = await listening(liar);
  const { code, out } = await load(lying, "--jobs", "3");
  expect(code).toBe(1);
  expect(out).toContain("completed twice: job-1-");
});

it("submits each job once through a way that loses answers and is overloaded now and then", async () => {
  const { url } = await mockServer();
  watchedBot(url);
  let turn = 0;
  const way = http.createServer((request, response) => {
    const onward = http.request(
      url + (request.url ?? ""),
      { method: request.method ?? "", headers: request.headers },
      (answer) => {
        // 7 and 5 share no turn with each other's kind of call for long.
        if (++turn % 7 === 0) request.socket.destroy();
        else if (turn % 5 === 0)
          response.writeHead(503, { "retry-after": "0" }).end("<html>overloaded</html>");
        else answer.pipe(response.writeHead(answer.statusCode ?? 0));
      },
    );
    request.pipe(onward);
  });
  const { code, out } = await load(await listening(way), "--jobs", "20", "--concurrency", "4", "--json");
  expect(JSON.parse(out)).toMatchObject({ submitted: 20, completed: 20, ok: true });
  expect((JSON.parse(out) as { retries: number }).retries).toBeGreaterThan(4);
  expect(code).toBe(0);
  expect((await ask(url, "GET /v1/jobs")).body["total"]).toBe(20);
});

it("says plainly what is wrong with its options or with the server", async () => {
  expect((await load("ftp://x")).code).toBe(2);
  expect((await load("http://127.0.0.1:1", "--jobs", "0")).err).toContain(
    "--jobs: expected a whole number from 1",
  );
  expect((await load("http://127.0.0.1:1", "--size", "big")).err).toContain(
    "--size: expected a size such as 256MiB",
  );
  const { code, err } = await load("http://127.0.0.1:1", "--jobs", "1");
  expect([code, err]).toEqual([
    1,
    expect.stringMatching(/^squall: --server: http:\/\/127\.0\.0\.1:1 does not answer like a job server: /u),
  ]);
});

function listening(server: http.Server): Promise<string> {
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`);
    });
  });
}
