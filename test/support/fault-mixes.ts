/**
 * Faults one behind the other on one HTTP proxy, under all kinds of exchanges: what each client was sent, read by a
 * parser that has nothing to do with the proxy's, and whether anything is left behind.
 */
import { VirtualClock } from "../../src/core/clock.js";
import type { CompiledFault } from "../../src/plan/value.js";
import type { HttpProxy } from "../../src/proxy/http/proxy.js";
import { HttpLab, messageAt } from "./http-lab.js";
import { Client, fault, turns } from "./lab.js";

/** How to use each fault type that acts on an HTTP proxy, so that it acts soon; several ways of those that act in several. */
export const USES: Readonly<Record<string, readonly (() => CompiledFault)[]>> = {
  latency: [
    () => fault("latency", { delay: "20ms" }),
    () => fault("latency", { delay: "20ms" }, { at: "body" }),
  ],
  bandwidth: [() => fault("bandwidth", { rate: "20kB/s" })],
  slicer: [() => fault("slicer", { size: "5B", gap: "1ms" })],
  packet_loss: [() => fault("packet_loss", { loss: "20%", rtt: "20ms" })],
  corrupt: [() => fault("corrupt", { rate: "1%" })],
  truncate: [
    () => fault("truncate", { after: "60B", then: "reset" }),
    () => fault("truncate", { after: "60B", then: "close" }),
  ],
  cut: [() => fault("cut", { after: "200B", then: "reset" })],
  blackhole: [() => fault("blackhole", { part: "50%" })],
  timeout: [() => fault("timeout", { after: "1s" })],
  reset: [() => fault("reset", { after: "30ms" })],
  slow_close: [() => fault("slow_close", { delay: "50ms" })],
  half_open: [() => fault("half_open")],
  idle_kill: [() => fault("idle_kill", { after: "5s", how: "close" })],
  down: [() => fault("down", { existing: "reset" })],
  accept_delay: [() => fault("accept_delay", { delay: "20ms" })],
  connection_limit: [() => fault("connection_limit", { max: 3, queue: 2, on_full: "reset" })],
  http_delay: [
    () => fault("http_delay", { delay: "20ms" }),
    () => fault("http_delay", { delay: "20ms" }, { at: "after" }),
  ],
  http_status: [
    () => fault("http_status", { status: 503 }, { when: { every: 2 } }),
    () => fault("http_status", { status: 429, persona: "nginx" }, { at: "after" }),
  ],
  lost_response: (["reset", "close", "hang", "status"] as const).map(
    (then) => () => fault("lost_response", { then }),
  ),
  lost_request: (["reset", "close", "hang", "status"] as const).map(
    (then) => () => fault("lost_request", { then }),
  ),
  duplicate_request: [
    () => fault("duplicate_request", { gap: "5ms" }),
    () => fault("duplicate_request", { times: 3, same_connection: true }),
  ],
  late_response: [() => fault("late_response", { hold: "40ms" })],
  http_truncate: (["honest", "short", "unterminated"] as const).map(
    (framing) => () => fault("http_truncate", { after: "3B", framing }),
  ),
  http_body: [
    ...(["empty", "garble_json", "cut_json"] as const).map((mode) => () => fault("http_body", { mode })),
    () => fault("http_body", { mode: "replace", with: "instead" }),
    () => fault("http_body", { mode: "inflate", size: "200B" }, { directions: "both" }),
  ],
  http_headers: [
    () => fault("http_headers", { remove: ["date"], set: { "x-more": "1" } }, { directions: "both" }),
  ],
  http_malformed: (["status_line", "header", "chunk", "garbage", "empty"] as const).map(
    (mode) => () => fault("http_malformed", { mode }, mode === "chunk" ? { at: "before" } : {}),
  ),
  slow_headers: [() => fault("slow_headers", { gap: "1ms" })],
  rate_limit: [() => fault("rate_limit", { limit: 2, window: "1s", burst: 3 })],
  overload: [() => fault("overload", { concurrency: 2, queue: 2, service_time: "20ms" })],
  unauthorized: [() => fault("unauthorized", { mode: "missing" }, { when: { every: 2 } })],
  stale_response: [() => fault("stale_response", { age: "10ms" })],
  keepalive_race: [() => fault("keepalive_race", { after: "10ms" })],
  dns_rcode: [() => fault("dns_rcode", { rcode: "servfail" })],
  dns_drop: [() => fault("dns_drop")],
  dns_delay: [() => fault("dns_delay", { delay: "20ms" })],
  flap: [() => fault("flap", { targets: ["a"], down: "refuse", pattern: ["up 30ms", "down 30ms"] })],
  skew: [() => fault("skew", { weights: { a: 9, b: 1 } })],
  stick: [() => fault("stick", { mode: "lost", per: "client" })],
  stale_upstream: [() => fault("stale_upstream", { target: "a", for: "1s", share: "50%" })],
  drain: [() => fault("drain", { targets: ["a"], after: "10ms", over: "20ms", grace: "10ms" })],
  noop: [() => fault("noop")],
};

/** They have bytes say something else, so that nothing can be told by them. */
const SPOILING: ReadonlySet<string> = new Set(["corrupt"]);

interface Asked {
  readonly method: string;
  /** Says which request it is; its answer says it too. */
  readonly tag: string;
  readonly bytes: string;
}

interface Kind {
  readonly requests: (id: string) => readonly Asked[];
  /** All at once, or each when the one before it was answered. */
  readonly pipelined?: true;
  /** Leaves with an RST after so many turns. */
  readonly leaves?: true;
  /** Sends its body when it is told to go on, or has waited for a while. */
  readonly expects?: true;
}

const asks = (method: string, target: string, fields: readonly string[] = [], body = ""): Asked => ({
  method,
  tag: target,
  bytes: `${method} ${target} HTTP/1.1\r\n${["Host: jobs.test", ...fields].join("\r\n")}\r\n\r\n${body}`,
});
const BODY = '{"job":"0123456789"}';
const posts = (target: string, fields: readonly string[] = []): Asked =>
  asks("POST", target, [`Content-Length: ${BODY.length}`, "Content-Type: application/json", ...fields], BODY);

export const KINDS: Readonly<Record<string, Kind>> = {
  get: { requests: (id) => [asks("GET", `/${id}/1`), asks("GET", `/${id}/2`)] },
  post: { requests: (id) => [posts(`/${id}/1`), posts(`/${id}/2`)] },
  head: { requests: (id) => [asks("HEAD", `/${id}/1`), asks("GET", `/${id}/2`)] },
  pipelined: {
    requests: (id) => [posts(`/${id}/1`), asks("GET", `/${id}/2`), posts(`/${id}/3`)],
    pipelined: true,
  },
  chunked: {
    requests: (id) => [
      asks(
        "POST",
        `/chunked/${id}/1`,
        ["Transfer-Encoding: chunked"],
        `a\r\n${BODY.slice(0, 10)}\r\na\r\n${BODY.slice(10)}\r\n0\r\n\r\n`,
      ),
      asks("GET", `/chunked/${id}/2`),
    ],
  },
  lasting: {
    requests: (id) => [asks("GET", `/${id}/1`), asks("GET", `/lasting/${id}/2`), asks("GET", `/${id}/3`)],
    pipelined: true,
  },
  bodyless: {
    requests: (id) => [
      asks("GET", `/204/${id}/1`),
      asks("GET", `/304/${id}/2`),
      asks("HEAD", `/chunked/${id}/3`),
      asks("GET", `/${id}/4`),
    ],
    pipelined: true,
  },
  leaving: { requests: (id) => [posts(`/${id}/1`), asks("GET", `/${id}/2`)], pipelined: true, leaves: true },
  early: { requests: (id) => [posts(`/early/${id}/1`), asks("GET", `/${id}/2`)] },
  expecting: {
    requests: (id) => [posts(`/${id}/1`, ["Expect: 100-continue"]), asks("GET", `/${id}/2`)],
    expects: true,
  },
  old: { requests: (id) => [{ ...asks("GET", `/${id}/1`), bytes: `GET /${id}/1 HTTP/1.0\r\n\r\n` }] },
};

/** Answers by what is asked for, and says whose answer it is. */
function answerOf(method: string, target: string, peer: Client): string | undefined {
  const tag = `X-Tag: ${target}`;
  const json = JSON.stringify({ tag: target });
  if (target.startsWith("/204")) return `HTTP/1.1 204 No Content\r\n${tag}\r\n\r\n`;
  if (target.startsWith("/304")) return `HTTP/1.1 304 Not Modified\r\n${tag}\r\n\r\n`;
  const type = "Content-Type: application/json";
  if (target.startsWith("/chunked")) {
    const head = `HTTP/1.1 200 OK\r\n${tag}\r\n${type}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    if (method === "HEAD") return head;
    return `${head}4\r\n${json.slice(0, 4)}\r\n${(json.length - 4).toString(16)}\r\n${json.slice(4)}\r\n0\r\n\r\n`;
  }
  if (target.startsWith("/lasting")) {
    peer.write(`HTTP/1.1 200 OK\r\n${tag}\r\n${type}\r\n\r\n${json}`);
    peer.fin();
    return undefined;
  }
  const head = `HTTP/1.1 200 OK\r\n${tag}\r\n${type}\r\nContent-Length: ${json.length}\r\n\r\n`;
  return method === "HEAD" ? head : head + json;
}

/** A client that asks as its kind does, and what it was sent. */
class Bot {
  readonly client: Client;
  readonly asked: readonly Asked[];
  readonly #kind: Kind;
  #sent = 0;
  #body = "";
  #turns = 0;

  constructor(lab: HttpLab, proxy: HttpProxy, kind: Kind, id: string) {
    this.#kind = kind;
    this.client = lab.client(proxy);
    this.asked = kind.requests(id);
    if (kind.pipelined === true) {
      this.client.write(this.asked.map(({ bytes }) => bytes).join(""));
      this.#sent = this.asked.length;
    }
  }

  /** Waits for all its answers. */
  get stays(): boolean {
    return this.#kind.leaves !== true;
  }

  /** Does what is to be done next. */
  step(): void {
    const { client } = this;
    if (client.end !== null) return;
    if (this.#kind.leaves === true && ++this.#turns === 3) client.rst();
    if (this.#body !== "") {
      if (!client.text.includes(" 100 ") && ++this.#turns <= 10) return;
      client.write(this.#body);
      this.#body = "";
    }
    if (this.#kind.pipelined === true || this.#sent >= this.asked.length) return;
    if (this.read().whole.length < this.#sent) return;
    const next = this.asked[this.#sent++];
    if (next === undefined) return;
    if (this.#kind.expects === true && this.#sent === 1) {
      const at = next.bytes.indexOf("\r\n\r\n") + 4;
      client.write(next.bytes.slice(0, at));
      this.#body = next.bytes.slice(at);
    } else if (next.tag.startsWith("/early")) {
      client.write(next.bytes.slice(0, -5));
      this.#body = next.bytes.slice(-5);
      this.#turns = 5;
    } else {
      client.write(next.bytes);
    }
  }

  /** The final answers that are whole, and what stands behind them. */
  read(): { readonly whole: readonly string[]; readonly rest: string } {
    const { text, end } = this.client;
    const whole: string[] = [];
    let at = 0;
    for (;;) {
      const head = this.asked[whole.length]?.method === "HEAD";
      const message = /^HTTP\/1\.[01] \d{3} /u.test(text.slice(at))
        ? messageAt(text, at, { head, over: end === "fin" })
        : null;
      if (message === null) return { whole, rest: text.slice(at) };
      at = message.end;
      if (!/^HTTP\/1\.[01] 1\d\d/u.test(message.head)) whole.push(message.raw);
    }
  }
}

export interface Mix {
  readonly faults: readonly CompiledFault[];
  readonly balances: boolean;
  readonly seed: number;
}

/** What was wrong, in words; nothing if all was well. */
export async function trouble({ faults, balances, seed }: Mix): Promise<string[]> {
  const time = new VirtualClock(1_000);
  const lab = new HttpLab({ clock: time });
  const wrong: string[] = [];
  try {
    const servers = [await serve(lab), await serve(lab)] as const;
    const members = servers.map((port, index) => ({ name: "ab"[index] ?? "", host: "127.0.0.1", port }));
    const pool = { members, balance: "round_robin" as const, health: null, eject: null, seed };
    const proxy = await lab.http(servers[0], balances ? { pool } : {});
    const bots: [string, Bot][] = [];
    lab.use(faults, { seed });
    for (const [name, kind] of Object.entries(KINDS)) bots.push([name, new Bot(lab, proxy, kind, name)]);
    const play = async (steps: number, millis: number): Promise<void> => {
      for (let step = 0; step < steps; step++) {
        for (const [, bot] of bots) bot.step();
        await turns(4);
        time.advance(millis);
      }
      await turns(4);
    };
    await play(25, 10);
    await play(6, 1_000);
    lab.plan.end(() => true, "healed");
    await play(10, 10);
    await play(4, 60_000);
    for (const [, { client }] of bots) client.fin();
    await play(4, 10);
    await play(14, 60_000);
    for (const [name, bot] of bots) wrong.push(...judged(name, bot, faults));
    for (const [, { client }] of bots) if (client.end === null) client.rst();
    await play(3, 60_000);
    for (let left = 200; left > 0 && proxy.stats.connectionsActive > 0; left--) await turns(1);
    wrong.push(...leftBehind(lab, proxy, time));
  } finally {
    await lab.close();
  }
  return wrong;
}

/** A server; it goes by the head alone where an upload is to go on, or is answered early. */
function serve(lab: HttpLab): Promise<number> {
  return lab.server((socket) => {
    const peer = new Client(socket);
    let from = 0;
    let seen = 0;
    socket.on("data", () => {
      for (;;) {
        const { text } = peer;
        const headEnd = text.indexOf("\r\n\r\n", from);
        if (headEnd < 0) return;
        const head = text.slice(from, headEnd);
        const [method = "", target = ""] = head.trimStart().split(" ");
        const news = seen === from;
        seen = headEnd + 4;
        if (news && target.startsWith("/early")) peer.write(answerOf(method, target, peer) ?? "");
        const message = messageAt(text, from);
        if (message === null) {
          if (news && /^expect: 100/imu.test(head)) peer.write("HTTP/1.1 100 Continue\r\n\r\n");
          return;
        }
        seen = from = message.end;
        const answer = target.startsWith("/early") ? undefined : answerOf(method, target, peer);
        if (answer !== undefined && socket.writable) peer.write(answer);
      }
    });
    socket.on("end", () => socket.end());
  });
}

function judged(name: string, bot: Bot, faults: readonly CompiledFault[]): string[] {
  if (faults.some(({ type }) => SPOILING.has(type))) return [];
  const { client, asked } = bot;
  const { whole, rest } = bot.read();
  const wrong: string[] = [];
  if (whole.length > asked.length) wrong.push(`${name}: ${whole.length} answers to ${asked.length} requests`);
  for (const [index, answer] of whole.entries()) {
    const tag = /^x-tag: (.*)\r$/imu.exec(answer.slice(0, answer.indexOf("\r\n\r\n") + 2))?.[1];
    if (tag !== undefined && tag !== asked[index]?.tag)
      wrong.push(`${name}: request ${asked[index]?.tag ?? "none"} got the answer to ${tag}`);
  }
  if (rest !== "" && client.end === null) wrong.push(`${name}: ${JSON.stringify(rest)} and no end`);
  if (bot.stays && client.end === null && whole.length < asked.length)
    wrong.push(`${name}: has ${whole.length} answers of ${asked.length}, and no end`);
  return wrong;
}

function leftBehind(lab: HttpLab, proxy: HttpProxy, time: VirtualClock): string[] {
  const wrong: string[] = [];
  for (const { where, error } of lab.facts.of("mistake"))
    wrong.push(
      `a mistake in ${where}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  const { connectionsActive } = proxy.stats;
  if (connectionsActive > 0) wrong.push(`${connectionsActive} connections are left`);
  if (lab.context.slots.taken !== 0) wrong.push(`${lab.context.slots.taken} places are left`);
  if (lab.context.budget.held !== 0) wrong.push(`${lab.context.budget.held} held bytes are left`);
  if (!time.idle) wrong.push("timers are left");
  const { exchanges } = proxy;
  const done = exchanges.responses().reduce((sum, [, , count]) => sum + count, 0);
  if (connectionsActive === 0 && done !== exchanges.requests)
    wrong.push(
      `${exchanges.requests} exchanges began, and ${done} were booked: ${JSON.stringify(exchanges.responses())}`,
    );
  const over = lab.facts.of("exchange_over").map(({ exchange }) => exchange.id);
  if (new Set(over).size !== over.length) wrong.push("an exchange was told twice");
  const hit = new Set(
    lab.facts.of("fault_hit").flatMap(({ exchange }) => (exchange === undefined ? [] : [exchange.id])),
  );
  if (connectionsActive === 0)
    for (const id of hit)
      if (!over.includes(id)) wrong.push(`exchange ${id} was hit, and its end was never told`);
  return wrong;
}
