/** What the API made is there again after a restart, and goes on as if nobody had been away. */
import { statSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StateLab } from "./state-lab.js";

let lab: StateLab;

beforeEach(() => {
  lab = new StateLab();
});

afterEach(() => lab.close());

const REDIS = { name: "redis", listen: "127.71.0.1:0", upstream: "127.0.0.1:9" };
const LATENCY = { type: "latency", attributes: { latency: 100, jitter: 10 }, toxicity: 0.5 };
const files = (proxies: Record<string, unknown>): Record<string, unknown> => ({ proxies });
const JOBS = { listen: "127.71.0.1:0", upstream: "http://127.0.0.1:9", persona: "nginx" };

async function expectSame(config: Record<string, unknown> = {}): Promise<void> {
  const before = await lab.view();
  await lab.start(config);
  expect(await lab.view()).toEqual(before);
  expect(await lab.unrestored()).toEqual([]);
}

it("keeps nothing of proxies that nobody has changed, whatever they speak", async () => {
  const listen = "127.71.0.1:0";
  await lab.start(
    files({
      jobs: JOBS,
      bytes: { listen, upstream: "tcp://127.0.0.1:9" },
      datagrams: { listen, upstream: "udp://127.0.0.1:9" },
      names: { listen, upstream: "dns://127.0.0.1" },
      system: { listen, upstream: "dns://system" },
      records: { listen, upstream: "dns://none", records: { "jobs.internal": "127.0.0.1" } },
      pool: { listen, upstreams: { a: "http://127.0.0.1:9", b: "http://127.0.0.1:10" } },
    }),
  );
  // Something is written, so that there is a file to look at.
  await lab.call("POST", "/proxies", REDIS);
  expect(lab.kept()).toMatchObject({ changed: [], removed: [], proxies: [{ proxy: "redis" }] });
});

describe("proxies and toxics that the API made", () => {
  it("are there again with the ports that they had, in their order, on and off", async () => {
    await lab.start();
    await lab.call("POST", "/proxies", REDIS);
    await lab.call("POST", "/proxies", { ...REDIS, name: "off", enabled: false });
    await lab.call("POST", "/proxies", { ...REDIS, name: "a name/with ünusual things" });
    await lab.call("POST", "/proxies/redis/toxics", { ...LATENCY, stream: "upStream", name: "up" });
    await lab.call("POST", "/proxies/redis/toxics", LATENCY);
    await lab.call("POST", "/proxies/redis/toxics", {
      type: "timeout",
      attributes: { timeout: 5, since: "last_byte" },
    });
    await expectSame();
    await expectSame();
  });

  it("are gone after a restart if they were gone before", async () => {
    await lab.start();
    await lab.call("POST", "/proxies", REDIS);
    await lab.call("POST", "/proxies/redis/toxics", LATENCY);
    await lab.call("DELETE", "/proxies/redis/toxics/latency_downstream");
    await expectSame();
    await lab.call("DELETE", "/proxies/redis");
    await expectSame();
    expect(await lab.get("/proxies")).toEqual({});
  });

  it("are left alone by the populate that made them, though it asks for any free port", async () => {
    await lab.start();
    await lab.call("POST", "/populate", [REDIS]);
    await lab.call("POST", "/proxies/redis/toxics", LATENCY);
    for (let life = 0; life < 2; life++) {
      const before = await lab.view();
      await lab.start();
      await lab.call("POST", "/populate", [REDIS]);
      expect(await lab.view()).toEqual(before);
    }
    // Another upstream takes nothing of that away.
    await lab.call("POST", "/proxies/redis", { upstream: "127.0.0.1:10" });
    const before = await lab.view();
    await lab.call("POST", "/populate", [{ ...REDIS, upstream: "127.0.0.1:10" }]);
    expect(await lab.view()).toEqual(before);
    // And a new port is what it gets by another address.
    await lab.call("POST", "/populate", [{ ...REDIS, listen: "127.71.0.2:0" }]);
    expect((await lab.get("/proxies/redis")).toxics).toEqual([]);
    await expectSame();
  });

  it("spare the same connections, since the seed that was drawn is kept", async () => {
    await lab.start();
    const { seed } = await lab.get("/status");
    await lab.start();
    expect((await lab.get("/status")).seed).toBe(seed);
    await lab.start({}, 7);
    expect((await lab.get("/status")).seed).toBe(7);
  });

  it("are carried out again: a proxy listens, a reset leaves it without toxics", async () => {
    await lab.start();
    await lab.call("POST", "/proxies", REDIS);
    await lab.call("POST", "/proxies/redis/toxics", LATENCY);
    await lab.start();
    expect((await lab.get("/status")).proxies).toMatchObject([
      { name: "redis", state: "listening", owner: "api", faults: [{ fault: "latency_downstream" }] },
    ]);
    await lab.call("POST", "/reset");
    await expectSame();
    expect((await lab.get("/proxies/redis")).toxics).toEqual([]);
  });
});

describe("proxies of the file", () => {
  it("keep what the API changed about them, and what else the file says", async () => {
    const config = files({ jobs: JOBS, other: { ...JOBS, listen: "127.71.0.2:0" } });
    await lab.start(config);
    await lab.call("POST", "/proxies/jobs", { listen: "127.71.0.3:0", upstream: "127.0.0.1:10" });
    await lab.call("POST", "/proxies/jobs/toxics", LATENCY);
    const before = await lab.get("/proxies/jobs");
    await lab.start(config);
    expect(await lab.get("/proxies/jobs")).toEqual(before);
    const status = await lab.get("/status");
    expect(status.proxies).toMatchObject([
      { name: "jobs", protocol: "http", owner: "file", upstream: "http://127.0.0.1:10", state: "listening" },
      { name: "other", owner: "file", state: "listening" },
    ]);
    expect(lab.kept().changed).toHaveLength(1);
  });

  it("stay switched off, and deleted, when the file is read again and says nothing new", async () => {
    const config = files({ jobs: JOBS, gone: JOBS });
    await lab.start(config);
    await lab.call("POST", "/proxies/jobs", { enabled: false });
    await lab.call("DELETE", "/proxies/gone");
    await lab.start(config);
    expect((await lab.get("/status")).proxies).toMatchObject([
      { name: "jobs", enabled: false, state: "stopped" },
    ]);
    expect(lab.kept().removed).toMatchObject([{ proxy: "gone" }]);
    await lab.call("POST", "/reload");
    expect(Object.keys(await lab.get("/proxies"))).toEqual(["jobs"]);
    expect(lab.kept().removed).toMatchObject([{ proxy: "gone" }]);
  });

  it("are the API's after a populate with other addresses, with all else as the file has it", async () => {
    const config = files({ jobs: JOBS });
    await lab.start(config);
    await lab.call("POST", "/populate", [{ name: "jobs", listen: "127.71.0.2:0", upstream: "127.0.0.1:11" }]);
    await expectSame(config);
    expect((await lab.get("/status")).proxies).toMatchObject([{ owner: "api", protocol: "http" }]);
  });

  it("leave no trace in the state while the API has not touched them", async () => {
    await lab.start(files({ jobs: JOBS }));
    await lab.call("POST", "/proxies/jobs", { enabled: false });
    expect(lab.kept().changed).toHaveLength(1);
    await lab.call("POST", "/proxies/jobs", { enabled: true });
    expect(lab.kept()).toMatchObject({ changed: [], proxies: [], removed: [], profiles: [], active: null });
  });

  it("made by the library's own code are made again by it, and are not in the state", async () => {
    await lab.start();
    await lab.squall.proxies.add("mine", { upstream: "127.0.0.1:9" });
    await lab.call("POST", "/proxies", REDIS);
    await lab.call("POST", "/populate", [{ ...REDIS, name: "mine" }]);
    expect(lab.kept().proxies).toMatchObject([{ proxy: "redis" }]);
    await lab.start();
    await lab.squall.proxies.add("mine", { upstream: "127.0.0.1:9" });
  });
});

describe("profiles that the API made", () => {
  it("are there again, whatever order they need each other in, shadows included", async () => {
    await lab.start();
    await lab.call(
      "PUT",
      "/profiles/z-base",
      "profile: z-base\n# a comment\nfaults: [{ name: x, type: latency, delay: 1s }]\n",
    );
    await lab.call(
      "PUT",
      "/profiles/a-child",
      "profile: a-child\nextends: [z-base]\nfaults: [{ name: x, delay: 2s }]",
    );
    await lab.call("PUT", "/profiles/slow", "profile: slow\nsummary: Mine.\n");
    await lab.call("PUT", "/active", { profile: "a-child", seed: 3 });
    await expectSame();
    await lab.call("DELETE", "/profiles/slow");
    await expectSame();
    expect((await lab.get("/profiles/slow")).origin).toBe("file");
  });

  it("are there again though neither of two would do without the other, over those of the file", async () => {
    const base = (params: string): string => `profile: slow\nparams: { ${params} }\n`;
    lab.profiles(
      base("old: { default: 1s }") +
        '---\nprofile: heir\nextends: [slow]\nfaults: [{ type: latency, delay: "${old}" }]\n',
    );
    await lab.start();
    for (const params of ["old: { default: 1s }, new: { default: 2s }", "new: { default: 2s }"]) {
      expect((await lab.call("PUT", "/profiles/slow", base(params))).status).toBeLessThan(300);
      const heir = 'profile: heir\nextends: [slow]\nfaults: [{ type: latency, delay: "${new}" }]\n';
      expect((await lab.call("PUT", "/profiles/heir", heir)).status).toBeLessThan(300);
    }
    await expectSame();
  });
});

describe("activations", () => {
  it("go on with seed, params, proxies, mode, and the ids that name their draws", async () => {
    const config = files({ jobs: JOBS });
    await lab.start(config);
    await lab.call("PUT", "/active", {
      profile: "slow",
      params: { by: "30ms" },
      proxies: ["jobs"],
      ttl: "1h",
    });
    await lab.call("POST", "/active", { faults: [{ type: "latency", delay: "20ms" }], seed: 4 });
    await lab.call("POST", "/active", { faults: [{ type: "reset", after: "10s" }], mode: "observe" });
    await lab.call("DELETE", "/active/inline");
    const ids = ["slow", "inline-2"];
    expect((await lab.get("/active")).activations.map(({ id }: { id: string }) => id)).toEqual(ids);
    const { remaining_seconds: remaining } = (await lab.get("/active")).activations[0];
    const active = (await lab.view()) as { active: unknown };
    const seeded = (): boolean[] =>
      lab.kept().active.activations.map((one: { seeded: boolean }) => one.seeded);
    expect(seeded()).toEqual([false, false]);
    await lab.start(config);
    await lab.call("POST", "/active", { profile: "steps", seed: 9 });
    await lab.call("DELETE", "/active/steps");
    expect(seeded()).toEqual([false, false]);
    expect(((await lab.view()) as { active: unknown }).active).toEqual(active.active);
    // The hour began when it was switched on.
    expect((await lab.get("/active")).activations[0].remaining_seconds).toBeLessThanOrEqual(remaining);
  });

  it("stay off after a heal, though the configuration starts with one", async () => {
    const config = { activate: "slow" };
    await lab.start(config);
    await lab.start(config);
    expect((await lab.get("/active")).activations).toHaveLength(1);
    await lab.call("DELETE", "/active");
    await lab.start(config);
    expect((await lab.get("/active")).activations).toEqual([]);
    await lab.start({ activate: "steps" });
    expect((await lab.get("/active")).activations).toMatchObject([{ id: "steps" }]);
  });

  it("that only the configuration switched on begin anew with each life", async () => {
    const config = { activate: { profile: "slow", seed: 5 } };
    await lab.start(config);
    expect(lab.kept().active).toBeNull();
    const [{ since }] = (await lab.get("/active")).activations;
    await lab.start(config);
    expect(Date.parse((await lab.get("/active")).activations[0].since)).toBeGreaterThanOrEqual(
      Date.parse(since),
    );
    expect(lab.log.some(({ kind }) => kind === "activation_resumed")).toBe(false);
  });

  /** As if it had been switched on so long ago. */
  function age(seconds: number): string {
    const kept = lab.kept();
    const [activation] = kept.active.activations;
    activation.started = new Date(Date.parse(activation.started) - seconds * 1_000).toISOString();
    return JSON.stringify(kept);
  }

  it("are in the phase in which they would be by now", async () => {
    await lab.start();
    await lab.call("PUT", "/active", { profile: "steps", seed: 1 });
    await lab.stop();
    writeFileSync(lab.file, age(12));
    await lab.start();
    expect((await lab.get("/active")).activations).toMatchObject([{ id: "steps", phase: "storm" }]);
    expect(lab.log).toContainEqual(
      expect.objectContaining({ kind: "activation_resumed", activation: "steps" }),
    );
  });

  it.each([
    ["expired", { profile: "slow", ttl: "30s" }],
    ["finished", { profile: "steps" }],
  ])("that %s while nobody was there are over, and the journal says so", async (why, body) => {
    await lab.start();
    await lab.call("PUT", "/active", body);
    await lab.stop();
    writeFileSync(lab.file, age(60));
    await lab.start();
    expect((await lab.get("/active")).activations).toEqual([]);
    const { entries } = await lab.get("/journal?kind=state_restored");
    expect(entries).toMatchObject([{ over: [{ activation: body.profile, why }], left_out: [] }]);
    await lab.call("POST", "/proxies", REDIS);
    expect(lab.kept().active.activations).toEqual([]);
  });

  it("whose time runs out while the daemon lives are out of the file as well", async () => {
    await lab.start();
    await lab.call("PUT", "/active", { profile: "slow", ttl: "50ms" });
    await lab.get("/active?wait=end");
    // Any call that may change something waits for all that has changed.
    await lab.call("POST", "/reload");
    expect(lab.kept().active.activations).toEqual([]);
  });
});

describe("the file", () => {
  it("is for its owner alone, and is not written again while nothing changes", async () => {
    await lab.start();
    expect(statSync(lab.file).mode & 0o777).toBe(0o600);
    await lab.call("POST", "/proxies", REDIS);
    const { ino } = statSync(lab.file);
    await lab.call("POST", "/proxies", REDIS);
    await lab.call("POST", "/reload");
    await lab.call("POST", "/journal/marks", "text=here");
    await lab.call("POST", "/populate", [REDIS]);
    expect(statSync(lab.file).ino).toBe(ino);
    expect((await lab.get("/status")).state).toMatchObject({
      saved: true,
      writes: 2,
      failures: 0,
      unrestored: [],
    });
  });

  it("is written without a call of the API as well, when a test suite changes something by code", async () => {
    await lab.start({ proxies: { jobs: JOBS } });
    const written = async (count: number): Promise<void> => {
      while ((await lab.get("/status")).state.writes < count) await new Promise((next) => setImmediate(next));
    };
    lab.squall.putProfile("mine", "profile: mine\nfaults: [{ type: noop }]");
    await written(2);
    lab.squall.proxies.remove("jobs");
    await written(3);
    await lab.squall.activate("mine", { seed: 1 });
    await written(4);
    expect(lab.kept()).toMatchObject({
      profiles: [{ profile: "mine" }],
      removed: [{ proxy: "jobs" }],
      active: { activations: [{ id: "mine" }] },
    });
  });

  it("is nobody's business where no state is wanted", async () => {
    await lab.start({ state: undefined });
    expect((await lab.get("/status")).state).toBeNull();
    expect(await lab.squall.metrics()).not.toMatch(/^squall_state_\w+ /mu);
  });

  it("is measured", async () => {
    await lab.start();
    await lab.call("POST", "/proxies", REDIS);
    const metrics = await lab.squall.metrics();
    expect(metrics).toMatch(/^squall_state_saved 1$/mu);
    expect(metrics).toMatch(/^squall_state_writes_total 2$/mu);
    expect(metrics).toMatch(/^squall_state_write_failures_total 0$/mu);
    expect(metrics).toMatch(/^squall_state_unrestored 0$/mu);
  });
});
