/**
 * Random requests against both APIs: valid ones, nearly valid ones, and hostile ones, over connections that
 * stay open, while clients talk through whatever proxies there are.
 */
import { connect, type Socket } from "node:net";
import fc from "fast-check";
import { RawHttp } from "./compat-lab.js";

export interface StormRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string | Buffer | undefined;
}

// -- what is asked ------------------------------------------------------------------------------------

const name = fc.constantFrom("a", "b", "10", "a b", "__proto__");
const anyName = fc.oneof(
  { weight: 9, arbitrary: name },
  { weight: 1, arbitrary: fc.string({ maxLength: 2_000 }) },
);
const toxicName = fc.constantFrom("t1", "t2", "latency_downstream", "bandwidth_upstream", "constructor");
/** None that would ask a name server. */
const listen = fc.constantFrom(
  "127.0.0.1:0",
  "localhost:0",
  ":0",
  "0.0.0.0:0",
  "",
  "127.0.0.1:0",
  "garbage",
  "127.0.0.1:99999",
  "8.8.8.8:1",
  "[::1",
  "a:b:c",
);
const whole = fc.oneof(
  fc.integer({ min: 0, max: 50 }),
  fc.constantFrom(0, 1, 1_000, 3_600_000, 2 ** 31, 2 ** 53, -1, 1.5, 1e300),
);
const toxicity = fc.constantFrom(1, 1, 0, 0.5, -1, 7, 1e308);

const ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  latency: ["latency", "jitter"],
  bandwidth: ["rate"],
  slow_close: ["delay"],
  timeout: ["timeout"],
  reset_peer: ["timeout"],
  slicer: ["average_size", "size_variation", "delay"],
  limit_data: ["bytes"],
  noop: [],
  packet_loss: ["loss_rate", "correlation"],
};

const toxic = fc.constantFrom(...Object.keys(ATTRIBUTES)).chain((type) =>
  fc.record(
    {
      type: fc.constant(type),
      name: fc.option(toxicName),
      stream: fc.option(fc.constantFrom("upstream", "downstream", "UpStream", "", "sideways")),
      toxicity: fc.option(toxicity),
      attributes: fc.option(
        fc.record(Object.fromEntries((ATTRIBUTES[type] ?? []).map((key) => [key, whole])), {
          requiredKeys: [],
        }),
      ),
    },
    { requiredKeys: ["type"] },
  ),
);

const fault = fc.constantFrom(
  { type: "latency", delay: "5ms", jitter: "5ms" },
  { type: "down", existing: "reset" },
  { type: "corrupt", rate: "1%" },
  { type: "reset", when: { probability: "10%" } },
  { type: "truncate", after: "1KiB", direction: "upstream" },
  { type: "connection_limit", max: 1 },
  { type: "latency", delay: 5 },
  { type: "teapot" },
);

const activation = fc.record(
  {
    faults: fc.option(fc.array(fault, { maxLength: 3 }), { nil: undefined }),
    profile: fc.option(
      fc.constantFrom("high-latency", "server-crash", "flaky-connections", "none", "storm"),
      { nil: undefined },
    ),
    ttl: fc.option(fc.constantFrom("20ms", "1h", "soon"), { nil: undefined }),
    seed: fc.option(fc.integer({ min: -1, max: 10 }), { nil: undefined }),
  },
  { requiredKeys: [] },
);

interface Ports {
  readonly echo: number;
  readonly dead: number;
}

function requests({ echo, dead }: Ports): fc.Arbitrary<StormRequest> {
  const upstream = fc.constantFrom(
    `127.0.0.1:${echo}`,
    `localhost:${echo}`,
    `127.0.0.1:${dead}`,
    "garbage",
    "",
  );
  const proxy = fc.record(
    {
      name: anyName,
      listen: fc.option(listen),
      upstream,
      enabled: fc.option(fc.boolean()),
      toxics: fc.array(toxic, { maxLength: 2 }),
    },
    { requiredKeys: ["name", "upstream"] },
  );
  const change = fc.record({ listen, upstream, enabled: fc.boolean() }, { requiredKeys: [] });
  const at = (
    path: fc.Arbitrary<string>,
    method: string,
    body?: fc.Arbitrary<unknown>,
  ): fc.Arbitrary<StormRequest> =>
    fc.record({
      method: fc.constant(method),
      path,
      body: body === undefined ? fc.constant(undefined) : body.map((value) => JSON.stringify(value)),
    });
  const plain = (...paths: string[]): fc.Arbitrary<string> => fc.constantFrom(...paths);
  const proxyPath = name.map((one) => `/proxies/${encodeURIComponent(one)}`);
  const toxicsPath = proxyPath.map((path) => `${path}/toxics`);
  const toxicPath = fc.tuple(toxicsPath, toxicName).map(([path, one]) => `${path}/${one}`);
  const profile = fc.constantFrom(
    "profile: storm\nfaults: [{ type: latency, delay: 5ms }]\n",
    "profile: storm\nfaults: [{ type: teapot }]\n",
    "{",
    "profile: other\n",
  );
  const right = fc.oneof(
    { weight: 10, arbitrary: at(plain("/proxies"), "POST", proxy) },
    { weight: 3, arbitrary: at(plain("/populate"), "POST", fc.array(proxy, { maxLength: 3 })) },
    { weight: 6, arbitrary: at(proxyPath, "POST", change) },
    { weight: 2, arbitrary: at(proxyPath, "PATCH", change) },
    { weight: 1, arbitrary: at(proxyPath, "DELETE") },
    { weight: 10, arbitrary: at(toxicsPath, "POST", toxic) },
    { weight: 6, arbitrary: at(toxicPath, "POST", toxic) },
    { weight: 4, arbitrary: at(toxicPath, "DELETE") },
    { weight: 1, arbitrary: at(plain("/reset"), "POST") },
    {
      weight: 6,
      arbitrary: at(fc.oneof(proxyPath, toxicsPath, toxicPath, plain("/proxies", "/version")), "GET"),
    },
    { weight: 4, arbitrary: at(plain("/active"), "PUT", activation) },
    { weight: 2, arbitrary: at(plain("/active"), "POST", activation) },
    { weight: 2, arbitrary: at(plain("/active", "/active/inline", "/active/nobody"), "DELETE") },
    {
      weight: 1,
      arbitrary: fc.record({ method: fc.constant("PUT"), path: plain("/profiles/storm"), body: profile }),
    },
    { weight: 1, arbitrary: at(plain("/profiles/storm", "/profiles/high-latency"), "DELETE") },
    {
      weight: 3,
      arbitrary: at(
        plain(
          "/active",
          "/active?wait=end&timeout=1ms",
          "/status",
          "/profiles",
          "/journal?limit=5",
          "/healthz",
          "/fault-types",
          "/metrics",
        ),
        "GET",
      ),
    },
    { weight: 1, arbitrary: at(plain("/journal/marks"), "POST", fc.record({ text: fc.string() })) },
  );
  return fc.oneof(
    { weight: 6, arbitrary: right },
    { weight: 3, arbitrary: right.chain(nearly) },
    { weight: 1, arbitrary: hostile(right) },
  );
}

/** The same request with one thing wrong: the method, the path, or a piece of the body. */
function nearly(request: StormRequest): fc.Arbitrary<StormRequest> {
  const { body } = request;
  const text = typeof body === "string" ? body : "";
  return fc.oneof(
    fc
      .constantFrom("GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS")
      .map((method) => ({ ...request, method })),
    fc.constantFrom("/", "/x", "?x=1", "%20").map((more) => ({ ...request, path: request.path + more })),
    fc.nat(text.length).map((at) => ({ ...request, body: text.slice(0, at) })),
    fc
      .constantFrom("null", "[]", "{}", "5", '"x"', "[null]", '{"name":null}')
      .map((other) => ({ ...request, body: other })),
    fc
      .tuple(fc.nat(text.length), fc.constantFrom("null", "-", "1e999", '"', "{", "]", "\\", "é"))
      .map(([at, more]) => ({ ...request, body: text.slice(0, at) + more + text.slice(at + 1) })),
  );
}

/** Bodies that nobody writes by mistake. */
function hostile(right: fc.Arbitrary<StormRequest>): fc.Arbitrary<StormRequest> {
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)),
    fc.json({ maxDepth: 6 }),
    fc.constantFrom(
      "[".repeat(20_000),
      `${'{"attributes":'.repeat(5_000)}1${"}".repeat(5_000)}`,
      `{"name":"${"x".repeat(100_000)}","upstream":"y"}`,
      '{"__proto__":{"enabled":false},"constructor":{"prototype":1},"name":"a","upstream":"b"}',
      `[${'{"name":"a","upstream":"x"},'.repeat(500)}{}]`,
      `{"type":"latency","attributes":{"latency":${"9".repeat(400)}}}`,
      '{"type":"latency","name":"\\u0000\\ud800","stream":"downstream"}',
      "&a=*a\n&b: [*b, *b]",
    ),
  );
  const path = fc.oneof(
    fc.constantFrom(
      "/proxies/../../etc/passwd",
      "/proxies/%2e%2e",
      "/proxies/%zz",
      "/proxies/%00/toxics/%ff",
      "//",
      "/active/%0d%0aset-cookie",
    ),
    fc.string({ maxLength: 300 }).map((text) => `/${encodeURIComponent(text)}`),
    right.map((request) => request.path),
  );
  return fc.record({ method: fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE"), path, body });
}

// -- clients of the proxies ---------------------------------------------------------------------------

/** A few connections through whatever listens, each replaced when it has ended or is stuck. */
class Traffic {
  readonly #slots: { socket: Socket; born: number }[] = [];
  #ports: readonly number[] = [];
  #age = 0;
  opened = 0;
  bytes = 0;

  constructor(readonly width: number) {}

  talkTo(ports: readonly number[]): void {
    this.#ports = ports;
  }

  /** After each request. */
  tick(): void {
    this.#age++;
    for (let slot = 0; slot < this.width; slot++) {
      const current = this.#slots[slot];
      if (current !== undefined && !current.socket.destroyed && this.#age - current.born < 60) continue;
      current?.socket.destroy();
      const port = this.#ports[(this.#age + slot) % Math.max(1, this.#ports.length)];
      if (port !== undefined) this.#slots[slot] = { socket: this.#open(port), born: this.#age };
    }
  }

  #open(port: number): Socket {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    this.opened++;
    let rounds = 0;
    socket
      .on("error", () => undefined)
      .on("data", (chunk: Buffer) => {
        this.bytes += chunk.length;
        if (++rounds < 20) socket.write(chunk);
        else socket.end();
      });
    socket.write(Buffer.alloc(1 + ((this.opened * 997) % 4_000), this.opened));
    return socket;
  }

  stop(): void {
    for (const { socket } of this.#slots) socket.destroy();
  }
}

// -- the storm ----------------------------------------------------------------------------------------

export interface StormOptions extends Ports {
  readonly url: URL;
  readonly requests: number;
  readonly seed: number;
}

export interface StormReport {
  readonly statuses: Readonly<Record<string, number>>;
  /** Answers of 5xx that no document speaks of. */
  readonly wrong: readonly string[];
  readonly slowest: { readonly millis: number; readonly what: string };
  readonly connections: number;
  readonly bytes: number;
}

const CALLERS = 8;

export async function storm({ url, requests: count, seed, ...ports }: StormOptions): Promise<StormReport> {
  const callers = Array.from({ length: CALLERS }, () => new RawHttp(url));
  const traffic = new Traffic(6);
  const statuses: Record<string, number> = {};
  const wrong: string[] = [];
  let slowest = { millis: 0, what: "" };
  const one = async (index: number, { method, path, body }: StormRequest): Promise<void> => {
    const slot = index % CALLERS;
    let caller = callers[slot];
    if (caller === undefined || !caller.alive) callers[slot] = caller = new RawHttp(url);
    const before = performance.now();
    const answer = await caller.ask(method, path, body);
    const millis = performance.now() - before;
    const what = `${method} ${path.slice(0, 60)} ${String(body).slice(0, 100)}`;
    if (millis > slowest.millis) slowest = { millis, what };
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    if (answer.status >= 500 && !/"error":"listen tcp/u.test(answer.body))
      wrong.push(`${answer.status} ${answer.body.slice(0, 200)} to ${what}`);
    if (answer.headers.get("connection") === "close") caller.close();
  };
  const script = fc.sample(requests(ports), { numRuns: count, seed });
  for (let index = 0; index < script.length; index += CALLERS) {
    // Several at a time, each on a connection of its own: verbs must not get into each other's way.
    await Promise.all(script.slice(index, index + CALLERS).map((request, offset) => one(offset, request)));
    traffic.tick();
    if (index % (CALLERS * 8) === 0) traffic.talkTo(await listening(url));
  }
  traffic.stop();
  for (const caller of callers) caller.close();
  return { statuses, wrong, slowest, connections: traffic.opened, bytes: traffic.bytes };
}

async function listening(url: URL): Promise<number[]> {
  const raw = new RawHttp(url);
  const { body } = await raw.ask("GET", "/proxies");
  raw.close();
  const proxies = Object.values(JSON.parse(body) as Record<string, { listen: string; enabled: boolean }>);
  return proxies
    .filter(({ enabled }) => enabled)
    .map(({ listen: at }) => Number(at.slice(at.lastIndexOf(":") + 1)));
}
