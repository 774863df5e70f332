/**
 * Real daemons, a real NATS server and the real command: one switch for all of them, and what a daemon does whose engine is not there, does
 * not know it, or lets it only look. A daemon alone works as one without a fleet, whatever the engine does.
 */
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { freePort } from "../support/free-port.js";
import { natsVersion, NatsServer } from "../support/nats-server.js";
import { getJson, squall, Workshop, type Ended, type Squall } from "../support/process.js";

const missing = natsVersion() === null;

interface Running {
  readonly process: Squall;
  readonly admin: string;
  readonly proxy: string;
}

const FOLLOWER = [
  ...["KV_squall-demo", "KV_squall-demo-daemons", "SQUALL-demo-journal"].flatMap((stream) => [
    `$JS.API.STREAM.INFO.${stream}`,
    `$JS.API.STREAM.MSG.GET.${stream}`,
  ]),
  "$KV.squall-demo-daemons.*",
  "squall.demo.journal.*",
];

const USERS = `
authorization {
  users: [
    { user: admin, password: admin-pw }
    { user: follower, password: follower-pw, permissions: {
      publish: [${FOLLOWER.map((subject) => `"${subject}"`).join(", ")}]
      subscribe: ["_INBOX.squall.demo.>", "squall.demo.hint"]
    } }
  ]
}`;

describe.skipIf(missing)(`daemons of a fleet${missing ? " (needs: nats-server)" : ""}`, () => {
  let shop: Workshop;
  let nats: NatsServer;
  let count = 0;

  // Each its own: daemons that were killed would be waited for by the next test.
  beforeEach(async () => {
    shop = new Workshop();
    nats = await NatsServer.start({ config: USERS });
  });
  afterEach(async () => {
    await shop.close();
    await nats.close();
  });

  async function daemon(
    name: string,
    {
      user = "admin",
      password = `${user}-pw`,
      url = nats.url,
      fleet = {},
    }: {
      readonly user?: string;
      readonly password?: string;
      readonly url?: string;
      readonly fleet?: object;
    } = {},
  ): Promise<Running> {
    const admin = await freePort();
    const proxy = await freePort();
    const config = {
      admin: { listen: `127.0.0.1:${admin}` },
      proxies: {
        jobs: {
          listen: `127.0.0.1:${proxy}`,
          upstream: "http://127.0.0.1:9",
          identify: [{ header: "x-bot-id" }],
        },
      },
      fleet: {
        name: "demo",
        engine: url,
        credentials: { user, password: "${FLEET_PW}" },
        daemon: name,
        admin: `http://127.0.0.1:${admin}`,
        control: true,
        ...fleet,
      },
    };
    const file = shop.file(`${name}-${count++}.yaml`, JSON.stringify(config));
    const process = shop.start(["serve", "--config", file, "--log-format", "json"], {
      env: { FLEET_PW: password },
    });
    await process.printed(/"message":"squall \S+ is ready"/u);
    return { process, admin: `http://127.0.0.1:${admin}`, proxy: `http://127.0.0.1:${proxy}` };
  }

  const run = ({ admin }: Running, ...words: readonly string[]): Promise<Ended> =>
    squall([...words, "--admin", admin], { env: { USER: "ci" } });

  const use = (at: Running, ttl: string, ...words: readonly string[]): Promise<Ended> =>
    run(at, "use", "high-latency", "--fleet", "--ttl", ttl, ...words);

  const readyz = async ({ admin }: Running): Promise<unknown> =>
    (await getJson(`${admin}/readyz`)).body["fleet"];

  /** It is ready when it has read the plan; the others hear of it by and by. */
  const knows = ({ admin }: Running, ...names: readonly string[]): Promise<void> =>
    vi.waitFor(
      async () => {
        const text = JSON.stringify((await getJson(`${admin}/fleet`)).body);
        for (const name of names) expect(text).toContain(`"${name}"`);
      },
      { timeout: 20_000, interval: 100 },
    );

  /** All that it said that is about the fleet, but that it is connected. */
  const warnings = ({ process }: Pick<Running, "process">): readonly string[] =>
    process.out
      .split("\n")
      .filter((line) => line.includes('"level":"warn"'))
      .map((line) => String((JSON.parse(line) as { message: unknown }).message));

  /** As one without a fleet: it can be switched, and healed. */
  async function serves({ admin }: Running): Promise<void> {
    const put = await getJson(`${admin}/active`, { method: "PUT", body: '{"profile":"high-latency"}' });
    expect(put.status).toBe(200);
    expect((await getJson(`${admin}/active`, { method: "DELETE" })).status).toBe(200);
  }

  it("are switched together, shown in a table, and healed; who stops is gone", async () => {
    const one = await daemon("node-1");
    const two = await daemon("node-2", { fleet: { accept: "none-*" } });
    const three = await daemon("node-3", { fleet: { control: false } });
    await knows(one, "node-1", "node-2", "node-3");
    const on = await use(one, "30m", "--seed", "7", "--why", "nightly");
    expect(on.code).toBe(1);
    expect(on.out).toMatch(
      /^high-latency: 2 applied, 1 refused; plan \d+, seed 7, ends in 30m\n {2}node-1 {2}applied\n {2}node-2 {2}refused: high-latency is not in fleet\.accept\n {2}node-3 {2}applied\n/u,
    );
    expect(on.err).toMatch(
      /^squall: all of 3 daemons had to have it, and 2 applied, 1 refused; it stays on until 20\S+, or until squall heal --fleet\n$/u,
    );
    const status = await run(three, "status", "--fleet");
    expect([status.code, status.err]).toEqual([0, ""]);
    expect(status.out).toMatch(
      /plan \d+ by ci@\S+ \(nightly\): high-latency \(seed 7, ends in (?:30m|29m\d+s)\)/u,
    );
    expect(status.out).toMatch(/node-2 {2}refused {2}\d+ +0 +\S+ ago +high-latency is not in fleet\.accept/u);
    const some = await use(one, "1m", "--daemons", "node-1,node-3", "--or-heal");
    expect([some.code, some.err]).toEqual([0, ""]);
    const soon = ["--starts-in", "2s", "--wait", "100ms"];
    const together = await use(one, "1m", "--daemons", "node-[13]", ...soon);
    expect(together.err).toContain("no daemon of the fleet is meant");
    const back = await use(one, "1m", "--starts-in", "3s", "--or-heal");
    expect(back.code).toBe(1);
    expect(back.out).toContain("2 prepared, 1 refused");
    expect(back.err).toContain("what was on before is on again");
    const passed = await getJson(`${one.admin}/fleet/daemons/node-3/active`);
    expect(passed.body["activations"]).toEqual([]);
    const forbidden = await use(three, "1m");
    expect([forbidden.code, forbidden.err]).toEqual([
      1,
      "squall: the daemon node-3 may not switch the fleet demo (fleet: { control: true } lets its admin API do that; or ask a daemon that has it)\n",
    ]);
    two.process.kill();
    await two.process.ended;
    const heal = await run(one, "heal", "--fleet");
    expect([heal.code, heal.err]).toEqual([0, ""]);
    expect(heal.out).toMatch(
      /^the fleet: 2 healed, 0 silent; plan \d+\n {2}node-1 {2}healed\n {2}node-3 {2}healed\n$/u,
    );
    expect(await readyz(one)).toMatch(/^in the fleet demo: plan \d+, idle$/u);
    const metrics = await (await fetch(`${one.admin}/metrics`)).text();
    expect(metrics).toMatch(/^squall_fleet_connected 1$/mu);
    expect(metrics).toMatch(/^squall_fleet_refused 0$/mu);
  });

  it("tell who switches them of bots that come by several, where a fault goes by numbers", async () => {
    const one = await daemon("node-1");
    const two = await daemon("node-2");
    await knows(one, "node-1", "node-2");
    const on = await run(one, "use", "high-latency", "--fleet", "--ttl", "30m");
    expect([on.code, on.err]).toEqual([0, ""]);
    const heartbeats = ["use", "failing-heartbeats", "--fleet", "--ttl", "30m", "--require", "any"];
    expect((await run(one, ...heartbeats)).err).toBe("");
    // Each of them fails the first heartbeat, and says whose.
    expect((await run(one, ...heartbeats, "--param", "every=1")).code).toBe(0);
    for (const { proxy } of [one, two])
      await fetch(`${proxy}/v1/jobs/7/heartbeat`, { method: "POST", headers: { "x-bot-id": "bot-1" } }).catch(
        () => null,
      );
    await vi.waitFor(
      async () => {
        expect((await run(one, ...heartbeats)).err).toMatch(
          /^warning \S+: every goes by numbers that each daemon counts for itself, and bot-1 lately came by several \(node-[12], node-[12]\): draw: /u,
        );
      },
      { timeout: 30_000, interval: 500 },
    );
  });

  it("serve alone without an engine, say so once, and join when it comes", async () => {
    const port = await freePort();
    const one = await daemon("node-1", { url: `nats://127.0.0.1:${port}` });
    const alone = warnings(one).filter((text) => text.startsWith("alone:"));
    expect(alone).toHaveLength(1);
    expect(alone[0]).toContain(
      `alone: the engine of the fleet demo, nats://127.0.0.1:${port}, does not answer (`,
    );
    expect(await readyz(one)).toContain("alone: the engine of the fleet demo");
    await serves(one);
    const on = await use(one, "1m");
    expect(on.code).toBe(1);
    expect(on.err).toContain(`nats://127.0.0.1:${port} does not answer`);
    const status = await run(one, "status", "--fleet");
    expect(status.code).toBe(1);
    expect(status.err).toContain("does not tell who is in the fleet");
    expect(await (await fetch(`${one.admin}/metrics`)).text()).toMatch(/^squall_fleet_connected 0$/mu);
    const late = await NatsServer.start({ port, config: USERS });
    try {
      await one.process.printed(/"kind":"fleet_connected"/u);
      const again = await use(one, "1m");
      expect([again.code, again.err]).toEqual([0, ""]);
    } finally {
      await late.close();
    }
  });

  it("stop at once where they still wait for their engine", async () => {
    const url = `nats://127.0.0.1:${await freePort()}`;
    const config = {
      admin: { listen: "127.0.0.1:0" },
      fleet: { name: "demo", engine: url, daemon: "node-1" },
    };
    const process = shop.start([
      "serve",
      "--log-format",
      "json",
      "--config",
      shop.file("one.yaml", JSON.stringify(config)),
    ]);
    await process.printed(/cannot reach/u);
    process.kill("SIGTERM");
    expect((await process.ended).code).toBe(0);
    // It would say so after it has waited.
    expect(warnings({ process }).filter((text) => text.startsWith("alone:"))).toEqual([]);
  });

  it("serve alone with wrong credentials, and show no secret", async () => {
    const one = await daemon("node-1", { password: "hunter2" });
    const alone = warnings(one).filter((text) => text.startsWith("alone:"));
    expect(alone).toHaveLength(1);
    expect(alone[0]).toMatch(/credentials|authori[sz]ation/iu);
    await serves(one);
    const on = await use(one, "1m");
    expect(on.code).toBe(1);
    const all = [
      one.process.out,
      on.err,
      JSON.stringify(await getJson(`${one.admin}/fleet`)),
      JSON.stringify(await getJson(`${one.admin}/status`)),
    ];
    expect(all.join("\n")).not.toContain("hunter2");
  });

  it("of one name are two rows with a warning, are both waited for, and say so themselves", async () => {
    const first = await daemon("node-1");
    const second = await daemon("node-1");
    const other = await daemon("node-2");
    const warning = "2 daemons go by the name node-1, so what is said of one may be true of another";
    for (const { process } of [first, second]) await process.printed(/"kind":"fleet_namesake"/u);
    for (const one of [first, second]) expect(await readyz(one)).toContain(warning);
    const rows =
      /\n {2}node-1 \([\da-f]{12}\) +idle .*\n {2}node-1 \([\da-f]{12}\) +idle .*\n {2}node-2 +idle /u;
    const status = await run(other, "status", "--fleet");
    expect(status.out).toMatch(rows);
    expect(status.err).toContain(`warning ${warning}`);
    const on = await use(other, "1m");
    expect([on.code, on.out]).toEqual([0, expect.stringContaining("high-latency: 3 applied; ")]);
    expect(on.err).toContain(`warning ${warning}`);
    second.process.kill("SIGSTOP");
    const half = await run(other, "heal", "--fleet", "--wait", "2s");
    second.process.kill("SIGCONT");
    expect([half.code, half.out]).toEqual([1, expect.stringContaining("2 healed, 1 silent")]);
    const { status: refused } = await getJson(`${other.admin}/fleet/daemons/node-1/active`);
    expect(refused).toBe(409);
    // Once each, in the log as well.
    for (const { process } of [first, second])
      expect(
        warnings({ process }).filter((text) => text.includes("goes by the name node-1 too")),
      ).toHaveLength(1);
    expect(warnings(other).filter((text) => text.includes("goes by the name"))).toEqual([]);
  });

  it("print nothing but the lines of their log, whatever comes from the engine", async () => {
    const spoiler = createServer((socket) => {
      socket.on("error", () => undefined).write('INFO {"version":"2.9.0"}\r\n');
      socket.on("data", (part) => {
        if (part.toString().includes("PING")) socket.write("PONG\r\n<html>Bad Gateway</html>\r\n");
      });
    });
    spoiler.listen(0, "127.0.0.1");
    await once(spoiler, "listening");
    const { port } = spoiler.address() as AddressInfo;
    const one = await daemon("node-1", { url: `nats://127.0.0.1:${port}` });
    // What the library would say of it itself.
    await one.process.printed(/what it sends is no NATS|reader closed/u);
    one.process.kill();
    await one.process.ended;
    spoiler.close();
    for (const line of one.process.out.trim().split("\n"))
      expect(() => JSON.parse(line) as unknown, line).not.toThrow();
    expect(one.process.err).toBe("");
  });

  it("follow with credentials that may only read the plan, and cannot switch", async () => {
    const admin = await daemon("node-1");
    const follower = await daemon("node-2", { user: "follower" });
    await knows(admin, "node-1", "node-2");
    expect(warnings(follower).filter((text) => text.startsWith("alone:"))).toEqual([]);
    const on = await use(admin, "1m");
    expect([on.code, on.err]).toEqual([0, ""]);
    expect(on.out).toContain("  node-2  applied\n");
    const refused = await use(follower, "1m");
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("the credentials of this daemon may not do that");
    const heal = await run(follower, "heal", "--fleet");
    expect(heal.err).toContain("the credentials of this daemon may not do that");
    await serves(follower);
  });
});
