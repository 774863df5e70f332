/**
 * A process that runs one proxy with a live plan and nothing else, so that its memory is the proxy's: of bytes, or with
 * "http" behind the upstream's port one that understands exchanges. It is told what to do over IPC and answers each
 * message with the same `id`.
 */
const dist = new URL(`${process.env.SQUALL_DIST ?? "../../../dist"}/`, import.meta.url);
const load = (path) => import(new URL(path, dist).href);
const [{ SystemClock }, { nobody }, { Ledger }, { FAULT_TYPES }, { HeldBudget }, { LivePlan }] =
  await Promise.all([
    load("core/clock.js"),
    load("core/events.js"),
    load("core/ledger.js"),
    load("faults/kinds/index.js"),
    load("pipeline/budget.js"),
    load("plan/live.js"),
  ]);
const [{ ConnectionSlots }, { TcpProxy }, { HttpProxy }, { Resolver }, { FlowPlaces }] = await Promise.all([
  load("proxy/context.js"),
  load("proxy/tcp/proxy.js"),
  load("proxy/http/proxy.js"),
  load("proxy/upstream/resolver.js"),
  load("proxy/udp/places.js"),
]);

const clock = new SystemClock();
const types = new Map(FAULT_TYPES.map((type) => [type.type, type]));
const context = {
  clock,
  facts: nobody,
  budget: new HeldBudget(256 * 2 ** 20),
  resolver: new Resolver({ clock }),
  slots: new ConnectionSlots(100_000),
  flows: new FlowPlaces(100_000),
};
const ledger = new Ledger();
const plan = new LivePlan({ clock, facts: nobody, ledger, types, version: "0.0.0", seed: 1 });
const spec = {
  name: "jobs",
  listen: { host: "127.0.0.1", port: 0 },
  upstream: { host: "127.0.0.1", port: Number(process.argv[2]) },
  dialTimeout: 30_000,
  connections: 100_000,
  proxyProtocol: "off",
  except: [],
};
const http = {
  ...spec,
  protocol: "http",
  tls: null,
  identify: [],
  salt: "",
  persona: "plain",
  faultHeader: false,
  ambiguous: "reject",
  headTimeout: 60_000,
  headBytes: 65_536,
};
const proxy = process.argv[3] === "http" ? new HttpProxy(http, context) : new TcpProxy(spec, context);
plan.attach(proxy);
await proxy.start();

/** A fault as a profile would have it. */
function compiled([type, params, { probability, at, directions } = {}]) {
  const known = types.get(type);
  return {
    name: type,
    type,
    params: known.params.parse(params),
    ramps: {},
    proxies: null,
    directions: directions ?? known.directions,
    at: at ?? known.at?.[0] ?? "",
    match: [],
    except: [],
    when: probability === undefined ? {} : { probability },
  };
}

/** Milliseconds by the clock on the wall, and by the processor, which does not count what others on the machine do. */
function timed(run) {
  const before = { wall: performance.now(), ...process.cpuUsage() };
  run();
  const { user, system } = process.cpuUsage(before);
  return { wall: performance.now() - before.wall, cpu: (user + system) / 1000 };
}

const COMMANDS = {
  port: () => proxy.address.port,
  /** How long it took until every live connection had the faults. */
  replace: (faults) => {
    const profile = {
      profile: "long",
      summary: "",
      tags: [],
      params: {},
      faults: faults.map(compiled),
      phases: [],
      repeat: 1,
    };
    const request = {
      profile: "long",
      compiled: profile,
      written: null,
      given: {},
      seed: 1,
      proxies: null,
      mode: "inject",
      ttl: null,
    };
    return timed(() => plan.replace([request]));
  },
  heal: () => timed(() => plan.end(() => true, "healed")),
  /** Connections that faults were laid on, over all of them. */
  matched: () => [...ledger.books()].reduce((sum, book) => sum + book.matched, 0),
  stats: () => ({
    ...proxy.stats,
    errors: Object.fromEntries(proxy.stats.errors),
    held: context.budget.held,
    exchanges: proxy.exchanges?.requests ?? 0,
  }),
  /** The most that was ever resident, in bytes. */
  peak: () => process.resourceUsage().maxRSS * 1024,
  /** Resident bytes once what is garbage has gone. */
  memory: async () => {
    for (let round = 0; round < 5; round++) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const { rss, heapUsed, external } = process.memoryUsage();
    return { rss, heapUsed, external };
  },
};

process.on("message", async ({ id, command, argument }) => {
  process.send({ id, answer: await COMMANDS[command](argument) });
});
process.on("disconnect", () => process.exit());
process.send({ id: 0, answer: "ready" });
