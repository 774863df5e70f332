import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Work } from "../../../src/mock/bot/job.js";
import { ask, crookedWay, mockServer, submit, watchedBot } from "../support.js";
import { until } from "../../support/lab.js";
import { coded, digesting, sha256, submitBody, uploadServer } from "./parts.js";

const attaching =
  (name: string, content: Buffer): Work =>
  async (_job, desk) => {
    const file = await desk.newFile();
    await writeFile(file, content);
    await desk.attach(name, file);
  };

/** The common temporary folder has what other runs of these tests put there. */
function ownTemporary(): string {
  const temporary = mkdtempSync(join(tmpdir(), "squall-transfer-"));
  for (const name of ["TMPDIR", "TEMP"]) vi.stubEnv(name, temporary);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(temporary, { recursive: true, force: true });
  });
  return temporary;
}

/** What bots have written there; a mock server has its own files there. */
function bytesOfBots(temporary: string): number {
  const folders = readdirSync(temporary).filter((name) => name.startsWith("squall-bot-"));
  const files = folders.flatMap((name) =>
    readdirSync(join(temporary, name)).map((file) => join(temporary, name, file)),
  );
  return files.reduce((sum, file) => sum + statSync(file).size, 0);
}

describe("a payload that comes as a body", () => {
  it("goes back as an artifact from a bot without work of its own, both with the same digest", async () => {
    const { url } = await mockServer();
    const payload = coded(500_000);
    const id = await submitBody(url, payload);
    const bot = watchedBot(url, { workTime: 0 });
    await bot.seen("working");
    while (!bot.events.some(({ event }) => event === "completed")) {
      bot.clock.advance(0);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { body } = await ask(url, `GET /v1/jobs/${id}`);
    const digest = sha256(payload);
    expect(body).toMatchObject({
      state: "completed",
      result: { payload_digest: digest },
      artifacts: [{ name: "echo", bytes: 500_000, digest }],
    });
  });

  it.each([
    ["it came with a byte changed", (body: Buffer) => void body.writeUInt8(body.readUInt8(7) ^ 1, 7)],
    ["it came as nothing but zeros", (body: Buffer) => void body.fill(0)],
  ])("is fetched again, whole, when %s", async (_, corrupt) => {
    const { url } = await mockServer();
    const payload = coded(10_000);
    await submitBody(url, payload);
    const wrong = Buffer.from(payload);
    corrupt(wrong);
    const way = await crookedWay(url, { payload: [{ status: 200, text: wrong.toString("latin1") }] });
    const bot = watchedBot(way.url, { work: digesting });
    await bot.seen("completed");
    expect((await bot.seen("retrying")).call).toBe("payload");
    expect((await bot.seen("downloaded")).received).toBeGreaterThan(payload.length);
  });

  it("is taken whole from a server that knows no ranges", async () => {
    const temporary = ownTemporary();
    const { url } = await mockServer();
    const payload = coded(200_000);
    const id = await submitBody(url, payload);
    let cut = false;
    const deaf = http.createServer((request, response) => {
      // The header is gone before the request is passed on.
      const { range: _, ...headers } = request.headers;
      const onward = http.request(url + (request.url ?? ""), { method: request.method, headers });
      request.pipe(onward);
      onward.on("response", (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        if (cut || !request.url?.endsWith("/payload")) return void answer.pipe(response);
        cut = true;
        answer.resume();
        response.write(payload.subarray(0, 100_000));
        // What a bot has not written down by then may be lost with its connection.
        void until(() => bytesOfBots(temporary) > 0).then(() => request.socket.destroy());
      });
    });
    await new Promise<void>((resolve) => deaf.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      deaf.closeAllConnections();
      deaf.close();
    });
    const { port } = deaf.address() as { port: number };
    const bot = watchedBot(`http://127.0.0.1:${port}`, { work: digesting });
    await bot.seen("completed");
    expect((await bot.seen("downloaded")).received).toBeGreaterThan(payload.length);
    expect((await ask(url, `GET /v1/jobs/${id}`)).body["result"]).toBe(sha256(payload));
  });

  it("leaves nothing on the disk when the job is over", async () => {
    const temporary = ownTemporary();
    const { url } = await mockServer();
    await submitBody(url, coded(1_000));
    const next = await submit(url);
    const bot = watchedBot(url, { work: digesting });
    await bot.seen("completed", ({ job }) => job === next);
    expect(readdirSync(temporary).filter((name) => name.startsWith("squall-bot-"))).toEqual([]);
  });
});

describe("an artifact", () => {
  it("is with the server, as it was, when the job is completed", async () => {
    const { url } = await mockServer();
    const id = await submit(url);
    const content = coded(300_000);
    const bot = watchedBot(url, { work: attaching("log", content) });
    await bot.seen("completed");
    expect((await ask(url, `GET /v1/jobs/${id}`)).body["artifacts"]).toEqual([
      { name: "log", bytes: 300_000, digest: sha256(content) },
    ]);
  });

  it("may be empty", async () => {
    const { url } = await mockServer();
    await submit(url);
    const bot = watchedBot(url, { work: attaching("log", Buffer.alloc(0)) });
    await bot.seen("completed");
    expect(await bot.seen("uploaded")).toMatchObject({ bytes: 0, attempts: 1 });
  });

  it("is not sent again when only the answer was lost", async () => {
    const server = await uploadServer(["silent"]);
    const bot = watchedBot(server.url, { work: attaching("log", coded(5_000)) });
    await bot.seen("completed");
    expect(server.starts).toEqual([0]);
    expect(await bot.seen("uploaded")).toMatchObject({ attempts: 2, resumed_from: "all" });
  });

  it("is resumed against the real server too, after each answer that is lost or refused", async () => {
    const { url } = await mockServer();
    const id = await submit(url);
    const busy = { status: 503, text: "" };
    const way = await crookedWay(url, { ["artifact" as never]: ["reset", busy, busy, "lose the answer"] });
    const content = coded(50_000);
    const bot = watchedBot(way.url, { work: attaching("artifact", content) });
    await bot.seen("completed");
    expect((await ask(url, `GET /v1/jobs/${id}`)).body["artifacts"]).toMatchObject([
      { digest: sha256(content) },
    ]);
  });

  it("that the server does not take is a failure of the job", async () => {
    const { url } = await mockServer({ blobMax: 1_000 });
    const id = await submit(url);
    const bot = watchedBot(url, { work: attaching("log", coded(2_000)) });
    expect((await bot.seen("failed")).why).toContain("larger than 1000 bytes");
    expect((await ask(url, `GET /v1/jobs/${id}`)).body["state"]).toBe("failed");
  });
});

describe("a request", () => {
  it("says which bot it is from, and what its body's digest is", async () => {
    const { url } = await mockServer();
    await submit(url);
    const way = await crookedWay(url, {});
    const bot = watchedBot(way.url, { name: "bot-7" });
    await bot.seen("completed");
    expect(new Set(way.requests.map(({ headers }) => headers["x-bot-id"]))).toEqual(new Set(["bot-7"]));
    expect(way.requests.every(({ headers }) => /^sha-256=.{43}=$/u.test(String(headers["digest"])))).toBe(
      true,
    );
  });

  it("carries the name of a bot that no header can carry as it is", async () => {
    const { url } = await mockServer();
    const way = await crookedWay(url, {});
    const bot = watchedBot(way.url, { name: "bot nö.\n7" });
    await bot.seen("registered");
    expect(way.requests[0]?.headers["x-bot-id"]).toBe("bot%20n%C3%B6.%0A7");
  });

  it("that the server could not read is sent again before the job is given up", async () => {
    const { url } = await mockServer();
    await submit(url);
    const bad = { status: 400, text: `{"code":"bad_request","error":"The body is not JSON."}` };
    const way = await crookedWay(url, { heartbeat: [bad], complete: [bad, bad] });
    const bot = watchedBot(way.url);
    await bot.seen("completed");
    expect(bot.events.filter(({ event }) => event === "retrying")).toHaveLength(3);
  });

  it("that the server never can read is believed to be wrong in the end", async () => {
    const { url } = await mockServer();
    await submit(url);
    const bad = { status: 400, text: `{"code":"bad_request","error":"The body is not JSON."}` };
    const way = await crookedWay(url, { complete: [bad, bad, bad] });
    expect((await watchedBot(way.url).seen("failed")).why).toContain("The body is not JSON");
  });
});
