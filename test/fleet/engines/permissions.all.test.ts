/** The permissions of docs/fleet-engines.md, in servers that run with exactly them. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { EngineOptions, FleetEngine } from "../../../src/fleet/contract/engine.js";
import { openEngine } from "../../../src/fleet/engines/open.js";
import { engineOptions, NO_CREDENTIALS } from "../../support/fleet-engines.js";
import { presenceOf } from "../../support/fleet/presence.js";
import { natsVersion, NatsServer } from "../../support/nats-server.js";
import { ROOT } from "../../support/process.js";
import { hasRedis, RedisServer } from "../../support/redis-server.js";
import { batchOf, failureOf, hashOf, until } from "./conformance.js";

const page = readFileSync(join(ROOT, "docs/fleet-engines.md"), "utf8");
const blockOf = (first: string): string => {
  const block = page.split("```").find((part) => part.startsWith(`text\n# ${first}\n`));
  if (block === undefined) throw new Error(`the page has no ${first}`);
  return block.slice("text\n".length);
};

const bytes = new TextEncoder().encode("{}");

function suite(
  open: (user: string, password: string, more?: Partial<EngineOptions>) => Promise<FleetEngine>,
): void {
  const opened: FleetEngine[] = [];
  const as = async (
    user: string,
    password: string,
    more: Partial<EngineOptions> = {},
  ): Promise<FleetEngine> => {
    const engine = await open(user, password, more);
    opened.push(engine);
    return engine;
  };
  afterEach(async () => {
    for (const engine of opened.splice(0)) await engine.close();
  });
  const logs: string[] = [];
  const node = (): Promise<FleetEngine> => as("node-1", "change-me", { log: (text) => logs.push(text) });
  const ops = (): Promise<FleetEngine> => as("ops", "change-me-too");

  it("let a controller do all that the engine is asked for", async () => {
    const one = await ops();
    const heard: string[] = [];
    one.onHint((what) => heard.push(what), { members: true });
    const { serial } = await one.read();
    await one.putText(hashOf("text"), new TextEncoder().encode("text"));
    const next = await one.put(bytes, serial);
    await one.put(bytes, "any");
    expect((await one.history(5)).map((plan) => plan.serial)).toContain(next);
    expect(await one.text(hashOf("text"))).not.toBeNull();
    await one.announce(presenceOf("ops"));
    expect((await one.members()).map(({ presence }) => presence.daemon)).toContain("ops");
    await one.append(batchOf("ops", 1));
    const signal = new AbortController().signal;
    for await (const batch of one.tail({ from: null, follow: false, signal }))
      expect(batch?.daemon).toBe("ops");
    await until(async () => {
      await one.put(bytes, "any");
      await one.announce(presenceOf("ops"));
      return heard.includes("plan") && heard.includes("members");
    });
    await one.leave("ops", "life-1");
  });

  it("let it forget texts", async () => {
    const one = await ops();
    const hashes = Array.from({ length: 200 }, (_, at) => hashOf(`text ${at}`));
    for (const [at, hash] of hashes.entries()) {
      await one.putText(hash, new TextEncoder().encode(`text ${at}`));
      await one.put(new TextEncoder().encode(`{"text":"sha256:${hash}"}`), "any");
    }
    await until(async () => (await one.text(hashes[0] ?? "")) === null);
  });

  it("let a daemon read the plan and its texts, hear of a new one, and say what it is and what happened", async () => {
    const [one, boss] = [await node(), await ops()];
    const text = new TextEncoder().encode("text");
    await boss.putText(hashOf("text"), text);
    const serial = await boss.put(bytes, "any");
    expect((await one.read()).serial).toBe(serial);
    expect(await one.text(hashOf("text"))).not.toBeNull();
    const heard: string[] = [];
    one.onHint((what) => heard.push(what));
    await one.read();
    await until(async () => {
      await boss.put(bytes, "any");
      return heard.includes("plan");
    });
    const { engine } = await one.announce(presenceOf("node-1"));
    expect(Math.abs(engine - Date.now())).toBeLessThan(60_000);
    expect((await boss.members()).map(({ presence }) => presence.daemon)).toContain("node-1");
    await one.append(batchOf("node-1", 1));
    await one.leave("node-1", "life-1");
    expect((await boss.members()).map(({ presence }) => presence.daemon)).not.toContain("node-1");
    expect(logs.join("\n")).not.toMatch(/may not hear/u);
  });

  it("forbid it the plan, texts, and to speak for another daemon, and nothing of that was done", async () => {
    const [one, boss] = [await node(), await ops()];
    const { serial } = await boss.read();
    await boss.announce(presenceOf("ops"));
    const calls = [
      one.put(bytes, "any"),
      one.put(bytes, serial),
      one.putText(hashOf("other"), new TextEncoder().encode("other")),
      one.announce(presenceOf("ops")),
      one.leave("ops", "life-1"),
    ];
    expect(await Promise.all(calls.map(failureOf))).toEqual(calls.map(() => "forbidden"));
    expect((await boss.read()).serial).toBe(serial);
    expect(await boss.text(hashOf("other"))).toBeNull();
    expect((await boss.members()).map(({ presence }) => presence.daemon)).toContain("ops");
    // What it may is not disturbed by what it may not.
    await one.announce(presenceOf("node-1"));
  });

  it("take no wrong password, and say that that is it, without showing it", async () => {
    const said: string[] = [];
    const one = await as("node-1", "wrong-secret", { log: (text) => said.push(text) });
    await until(() => said.length > 0);
    const error: unknown = await one.read().catch((problem: unknown) => problem);
    expect(error).toMatchObject({ failure: "forbidden" });
    expect(`${said.join("\n")} ${String(error)} ${one.name}`).not.toContain("wrong-secret");
  });
}

const noNats = natsVersion() === null;
describe.skipIf(noNats)(`permissions in NATS${noNats ? " (needs: nats-server)" : ""}`, () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await NatsServer.start({ config: blockOf("nats-server.conf").replace("jetstream {}", "") });
  });
  afterAll(() => server.close());
  const open = (user: string, password: string, more: Partial<EngineOptions> = {}): Promise<FleetEngine> =>
    openEngine(
      engineOptions(server.url, {
        fleet: "staging",
        client: user,
        credentials: { ...NO_CREDENTIALS, user, password },
        ...more,
      }),
    );

  it("say which stream is missing to a daemon that may not make it, and are enough once it is there", async () => {
    const one = await open("node-1", "change-me");
    const boss = await open("ops", "change-me-too");
    try {
      for (const [call, stream] of [
        [() => one.read(), "KV_squall-staging"],
        [() => one.announce(presenceOf("node-1")), "KV_squall-staging-daemons"],
        [() => one.append(batchOf("node-1", 1)), "SQUALL-staging-journal"],
      ] as const)
        await expect(call()).rejects.toMatchObject({
          failure: "forbidden",
          message: expect.stringContaining(`there is no stream ${stream}, or it has no leader`) as unknown,
        });
      await boss.read();
      expect(await one.read()).toEqual({ bytes: null, serial: 0 });
    } finally {
      await one.close();
      await boss.close();
    }
  });

  suite(open);

  it("keep a daemon from the list of daemons, the journal, and replies to another one", async () => {
    const one = await open("node-1", "change-me");
    const spy = await open("node-1", "change-me", { client: "ops" });
    const signal = new AbortController().signal;
    const tail = async (): Promise<void> => {
      for await (const batch of one.tail({ from: null, follow: false, signal })) void batch;
    };
    const calls = [one.members(), tail(), one.history(3), spy.read()];
    expect(await Promise.all(calls.map(failureOf))).toEqual(["forbidden", "forbidden", "none", "forbidden"]);
    await one.close();
    await spy.close();
  });
});

const noRedis = !hasRedis();
describe.skipIf(noRedis)(`permissions in Redis${noRedis ? " (needs: redis-server)" : ""}`, () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
    await server.kill();
    // An ACL file has no comments, and a line for each user.
    writeFileSync(
      join(server.folder, "users.acl"),
      blockOf("users.acl")
        .replace(/^#.*\n/u, "")
        .replaceAll("\n  ", " "),
    );
    writeFileSync(
      join(server.folder, "redis.conf"),
      `${readFileSync(join(server.folder, "redis.conf"), "utf8")}\naclfile ${join(server.folder, "users.acl")}\n`,
    );
    await server.start();
  });
  afterAll(() => server.close());
  suite((user, password, more = {}) =>
    openEngine(
      engineOptions(server.url.replace("//", `//${user}:${password}@`), {
        fleet: "staging",
        client: user,
        ...more,
      }),
    ),
  );
});
