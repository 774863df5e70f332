/** What only the tests of the bot need: bots that may die, a server that breaks off uploads, jobs with a body. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { onTestFinished } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import { runBot, type BotOptions } from "../../../src/mock/bot/bot.js";
import { type Work } from "../../../src/mock/bot/job.js";
import type { BotEvent } from "../../../src/mock/bot/events.js";
import { NO_FLAWS, type Flaw, type Flaws } from "../../../src/mock/bot/flaws.js";
import { ask, type CrookedWay } from "../support.js";

export const sha256 = (bytes: Buffer): string =>
  `sha-256=${createHash("sha256").update(bytes).digest("base64")}`;

/** Bytes of which no two places look the same. */
export function coded(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32BE(at, at);
  return bytes;
}

/** Work that answers with the digest of the payload that it was given. */
export const digesting: Work = async (_job, { payload }) =>
  sha256(payload === null ? Buffer.alloc(0) : await readFile(payload));

export async function submitBody(server: string, body: Buffer): Promise<string> {
  const headers = { "content-type": "application/octet-stream" };
  const { body: job } = await ask(server, "POST /v1/jobs?type=test", { raw: body, headers });
  return String(job["id"]);
}

export interface MortalBot {
  readonly events: BotEvent[];
  /** Why it ended by itself. */
  readonly end: Promise<Error>;
}

/** A bot on virtual time, of which a test expects that it ends by an error. */
export function mortalBot(server: string, options: Partial<BotOptions>): MortalBot {
  const clock = new VirtualClock();
  const events: BotEvent[] = [];
  const controller = new AbortController();
  const running = runBot({
    server,
    name: "bot-1",
    concurrency: 1,
    clock,
    random: () => 0.5,
    work: () => Promise.resolve("done"),
    ...options,
    signal: controller.signal,
    report: (event) => {
      events.push(event);
      if (event.event === "retrying") setImmediate(() => clock.advance(event.wait));
    },
  });
  const end = running.then(
    () => new Error("it ended without an error"),
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
  onTestFinished(async () => {
    controller.abort();
    await end;
  });
  return { events, end };
}

/** Asks again until the answer holds. */
export async function until<T>(look: () => Promise<T> | T, holds: (seen: T) => boolean): Promise<T> {
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export interface UploadServer {
  readonly url: string;
  /** The first byte of each upload that was begun. */
  readonly starts: number[];
  readonly kept: () => Buffer;
}

/**
 * A server with one job that wants an artifact. It takes `breaks[n]` bytes of the n-th upload and resets the
 * connection, or takes all and does not say so (`"silent"`).
 */
export async function uploadServer(breaks: (number | "silent")[]): Promise<UploadServer> {
  const starts: number[] = [];
  let kept = Buffer.alloc(0);
  let complete = false;
  let leased = false;
  const server = http.createServer((request, response) => {
    const json = (status: number, body: unknown): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    const path = (request.url ?? "").split("?")[0] ?? "";
    const reset = (): void => void request.socket.resetAndDestroy();
    if (path.includes("/artifacts/") && request.method === "HEAD") {
      const headers = { "upload-offset": String(kept.length), "upload-complete": complete ? "?1" : "?0" };
      const digest = complete && { digest: sha256(kept) };
      response.writeHead(kept.length > 0 ? 200 : 404, { ...headers, ...digest }).end();
    } else if (path.includes("/artifacts/")) {
      const start = Number(/^bytes (\d+)-/u.exec(request.headers["content-range"] ?? "")?.[1] ?? 0);
      starts.push(start);
      kept = kept.subarray(0, start);
      const stop = breaks.shift();
      request.on("data", (chunk: Buffer) => {
        if (request.destroyed) return;
        kept = Buffer.concat([kept, chunk]);
        if (typeof stop !== "number" || kept.length < start + stop) return;
        kept = kept.subarray(0, start + stop);
        reset();
      });
      request.on("end", () => {
        complete = true;
        if (stop === "silent") reset();
        else json(201, { repeated: false });
      });
    } else {
      request.resume();
      if (path === "/v1/bots") json(201, { bot_id: "bot-1", token: "token", expires_in: 3_600 });
      else if (path.endsWith("/heartbeat")) json(200, { lease_expires_in: 30 });
      else if (path.endsWith("/complete")) json(200, { repeated: false });
      else if (leased) response.writeHead(204).end();
      else {
        leased = true;
        const job = { id: "job-1", type: "test", payload: null, attempt: 1 };
        json(200, { job, lease_id: "lease-1", lease_expires_in: 30 });
      }
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, starts, kept: () => kept };
}

export const GOOD = NO_FLAWS;
export const only = (flaw: Flaw): Flaws => new Set([flaw]);

export async function auditOf(url: string): Promise<Record<string, unknown>> {
  const { jobs } = (await ask(url, "GET /v1/audit")).body as { jobs: Record<string, unknown>[] };
  return jobs[0] ?? {};
}

export const leases = (way: CrookedWay): number =>
  way.requests.filter(({ url }) => url?.startsWith("/v1/lease")).length;
export const waits = (events: readonly BotEvent[]): number[] =>
  events.flatMap((event) => (event.event === "retrying" ? [event.wait] : []));

/** Work that the test ends. */
export function endless(): { work: Work; finish: () => void } {
  let finish: () => void = () => undefined;
  const over = new Promise<void>((resolve) => (finish = resolve));
  return { work: () => over, finish };
}
