/** What the tests of the mock server and the bot share: a client, a bot on virtual time, and a crooked way between them. */
import http from "node:http";
import { onTestFinished } from "vitest";
import { VirtualClock } from "../../src/core/clock.js";
import { runBot, type BotOptions } from "../../src/mock/bot/bot.js";
import type { BotEvent, CallName } from "../../src/mock/bot/events.js";
import { startMockServer, type MockServer, type MockServerOptions } from "../../src/mock/server/server.js";

export async function mockServer(options: MockServerOptions = {}): Promise<MockServer> {
  const server = await startMockServer({
    onBug: (error) => {
      throw error;
    },
    ...options,
  });
  onTestFinished(() => server.close());
  return server;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

export interface Ask {
  readonly token?: string;
  readonly body?: unknown;
  /** Sent as it is, in place of `body`. */
  readonly raw?: string | Buffer;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** `ask(url, "POST /v1/jobs", { body })`, over a connection of its own: servers come and go in these tests. */
export function ask(server: string, call: string, options: Ask = {}): Promise<Answer> {
  const [method = "", path = ""] = call.split(" ");
  const { token, body, raw = JSON.stringify(body), headers, signal } = options;
  return new Promise((resolve, reject) => {
    const request = http.request(server + path, {
      method,
      agent: false,
      headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
      ...(signal && { signal }),
    });
    request.on("error", reject);
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode: status = 0, headers } = response;
        resolve({ status, headers, body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>) });
      });
    });
    request.end(raw);
  });
}

export async function register(server: string, name = "tester"): Promise<{ id: string; token: string }> {
  const { body } = await ask(server, "POST /v1/bots", { body: { name, capabilities: [] } });
  return { id: String(body["bot_id"]), token: String(body["token"]) };
}

export async function submit(server: string, job: Record<string, unknown> = {}): Promise<string> {
  const { body } = await ask(server, "POST /v1/jobs", { body: { type: "test", ...job } });
  return String(body["id"]);
}

export interface WatchedBot {
  readonly clock: VirtualClock;
  readonly events: BotEvent[];
  /** The first event, from now or before, of that kind for which the test holds. */
  seen<K extends BotEvent["event"]>(
    kind: K,
    test?: (event: Extract<BotEvent, { event: K }>) => boolean,
  ): Promise<Extract<BotEvent, { event: K }>>;
  stop(): Promise<void>;
}

/**
 * A bot whose time is virtual and moves when the bot would wait: over each pause between two attempts,
 * and over its work. Deadlines of requests pass only if a test moves the clock.
 */
export function watchedBot(server: string, options: Partial<BotOptions> = {}): WatchedBot {
  const clock = new VirtualClock();
  const events: BotEvent[] = [];
  const watchers = new Set<() => void>();
  const controller = new AbortController();
  const report = (event: BotEvent): void => {
    events.push(event);
    for (const watcher of watchers) watcher();
    // After the bot had the chance to go to sleep.
    if (event.event === "retrying") setImmediate(() => clock.advance(event.wait));
    if (event.event === "lease_lost" || event.event === "idle") setImmediate(() => clock.advance(20_000));
  };
  const work = options.workTime === undefined && { work: () => Promise.resolve("done") };
  const bot = { server, name: "bot-1", concurrency: 1, clock, random: () => 0.5, ...work, ...options };
  const running = runBot({ ...bot, signal: controller.signal, report });
  const stop = (): Promise<void> => {
    controller.abort();
    return running;
  };
  onTestFinished(stop);
  return {
    clock,
    events,
    stop,
    seen: (kind, test = () => true) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          for (const event of events) {
            if (event.event !== kind || !test(event as never)) continue;
            watchers.delete(look);
            return resolve(event as never);
          }
        };
        watchers.add(look);
        running.then(() => reject(new Error(`the bot stopped without ${kind}`)), reject);
        look();
      }),
  };
}

export type Misdeed =
  /** Resets the connection instead of passing the request on. */
  | "reset"
  /** Passes the request on, and resets the connection instead of giving the answer. */
  | "lose the answer"
  /** Half of the answer's bytes, then the end. */
  | "cut the answer"
  | "say nothing"
  | { readonly status: number; readonly headers?: Record<string, string>; readonly text: string };

export interface CrookedWay {
  readonly url: string;
  /** Misdeeds to come, one for each further request of that call. */
  readonly plan: Partial<Record<CallName, Misdeed[]>>;
  readonly requests: http.IncomingMessage[];
}

/** A way to the server that does to each call what the plan says, then passes on all that follow. */
export async function crookedWay(server: string, plan: CrookedWay["plan"]): Promise<CrookedWay> {
  const requests: http.IncomingMessage[] = [];
  const way = http.createServer((request, response) => {
    requests.push(request);
    const misdeed = plan[callOf(request.url ?? "")]?.shift();
    const reset = (): void => void request.socket.resetAndDestroy();
    if (misdeed === "say nothing") return;
    if (misdeed === "reset") return reset();
    if (typeof misdeed === "object") {
      response.writeHead(misdeed.status, misdeed.headers).end(misdeed.text);
      return;
    }
    const onward = http.request(server + (request.url ?? ""), {
      method: request.method ?? "GET",
      headers: request.headers,
      agent: false,
    });
    request.pipe(onward);
    response.on("close", () => onward.destroy());
    onward.on("error", reset);
    onward.on("response", (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reset);
      answer.on("end", () => {
        const body = Buffer.concat(chunks);
        if (misdeed === "lose the answer") return reset();
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        if (misdeed !== "cut the answer") return void response.end(body);
        response.write(body.subarray(0, body.length / 2), () => request.socket.end());
      });
    });
  });
  await new Promise<void>((resolve) => way.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    way.closeAllConnections();
    way.close();
  });
  const address = way.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, plan, requests };
}

function callOf(url: string): CallName {
  const last = new URL(url, "http://way").pathname.split("/").at(-1) ?? "";
  if (last === "bots") return "register";
  return last === "token" ? "refresh" : (last as CallName);
}
