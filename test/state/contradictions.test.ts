/** Where configuration and state contradict each other the daemon starts, says what prevails, and loses nothing. */
import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PROXIES_MAX } from "../../src/config/proxy.js";
import { StateLab } from "./state-lab.js";

let lab: StateLab;

beforeEach(() => {
  lab = new StateLab();
});

afterEach(() => lab.close());

// An address that no outgoing connection has: the ports must be there still in the next life.
const REDIS = { name: "redis", listen: "127.72.0.1:0", upstream: "127.0.0.1:9" };
const LATENCY = { type: "latency", attributes: { latency: 100 } };
const JOBS = { listen: "127.72.0.1:0", upstream: "http://127.0.0.1:9" };

/** What is left out, in the status, in the file and in the journal alike. */
async function leftOut(): Promise<{ what: string; name: string; why: string }[]> {
  const { unrestored } = (await lab.get("/status")).state;
  expect(lab.kept().unrestored.map(({ what, why }: { what: string; why: string }) => [what, why])).toEqual(
    unrestored.map(({ what, why }: { what: string; why: string }) => [what, why]),
  );
  const { entries } = await lab.get("/journal?kind=state_restored");
  expect(entries[0]?.left_out ?? []).toEqual(unrestored);
  return unrestored;
}

describe("a proxy of the API's", () => {
  it("is left out where the file has grown to as many as there may be", async () => {
    await lab.start();
    await lab.call("POST", "/proxies", { ...REDIS, enabled: false });
    const entry = (_: unknown, n: number): [string, object] => [`n${n}`, { ...JOBS, enabled: false }];
    await lab.start({ proxies: Object.fromEntries(Array.from({ length: PROXIES_MAX }, entry)) });
    expect(await leftOut()).toEqual([
      { what: "proxy", name: "redis", why: "the file has so many that there would be more than 1000" },
    ]);
  });

  it("gives way to one of the same name that is new in the file, and stays in the state until it is made again", async () => {
    await lab.start();
    await lab.call("POST", "/proxies", REDIS);
    await lab.call("POST", "/proxies/redis/toxics", LATENCY);
    const config = { proxies: { redis: JOBS } };
    await lab.start(config);
    expect(await leftOut()).toEqual([
      { what: "proxy", name: "redis", why: "the file has a proxy of that name now, which prevails" },
    ]);
    expect((await lab.get("/status")).proxies).toMatchObject([
      { name: "redis", owner: "file", protocol: "http" },
    ]);
    // Other changes do not wipe it out, nor does another start.
    await lab.call("POST", "/proxies", { ...REDIS, name: "another" });
    await lab.start(config);
    expect(await leftOut()).toHaveLength(1);
    expect(lab.kept().unrestored[0].entry).toMatchObject({ proxy: "redis", toxics: [{ type: "latency" }] });
    // Back when the file lets it.
    await lab.start();
    expect(await leftOut()).toEqual([]);
    expect((await lab.get("/proxies/redis")).toxics).toHaveLength(1);
  });

  it("is forgotten when somebody makes or changes one of that name", async () => {
    await lab.start();
    await lab.call("POST", "/proxies", REDIS);
    await lab.start({ proxies: { redis: JOBS } });
    await lab.call("POST", "/proxies/redis", { enabled: false });
    expect(lab.kept().unrestored).toEqual([]);
  });

  it("whose port somebody else has is tried until it can be had, and readyz says so meanwhile", async () => {
    await lab.start();
    await lab.call("POST", "/proxies", REDIS);
    const { listen } = await lab.get("/proxies/redis");
    await lab.stop();
    const other = await lab.occupy(Number(listen.split(":")[1]), "127.72.0.1");
    await lab.start();
    expect(await lab.get("/proxies/redis")).toMatchObject({ listen, enabled: true });
    const { status, json } = await lab.call("GET", "/readyz");
    expect([status, json.error]).toEqual([503, `redis cannot listen on ${listen}`]);
    expect(lab.kept().proxies).toMatchObject([{ listen }]);
    await other.leave();
    await lab.squall.heal();
    expect((await lab.call("GET", "/readyz")).status).toBe(200);
  });

  it("whose port the file now wants for another proxy is left out", async () => {
    await lab.start();
    await lab.call("POST", "/proxies", REDIS);
    const { listen } = await lab.get("/proxies/redis");
    await lab.start({ proxies: { jobs: { ...JOBS, listen } } });
    expect(await leftOut()).toEqual([
      { what: "proxy", name: "redis", why: 'the proxy "jobs" has its address now' },
    ]);
  });

  it("whose port is the admin port now is left out", async () => {
    await lab.start();
    await lab.call("POST", "/proxies", REDIS);
    const { listen } = await lab.get("/proxies/redis");
    await lab.start({}, undefined, listen);
    expect(await leftOut()).toEqual([
      { what: "proxy", name: "redis", why: "the admin port has its address now" },
    ]);
  });

  it("that took the place of the file's gives it back where it cannot be", async () => {
    const config = { proxies: { jobs: JOBS } };
    await lab.start(config);
    await lab.call("POST", "/populate", [{ ...REDIS, name: "jobs", listen: "127.72.0.2:0" }]);
    const { listen } = await lab.get("/proxies/jobs");
    await lab.start({ proxies: { ...config.proxies, other: { ...JOBS, listen } } });
    expect(await leftOut()).toEqual([
      { what: "proxy", name: "jobs", why: 'the proxy "other" has its address now' },
    ]);
    expect((await lab.get("/status")).proxies).toMatchObject([
      { name: "jobs", owner: "file", state: "listening" },
      { name: "other" },
    ]);
  });

  it("with a toxic that this Squall does not know is left out whole", async () => {
    await lab.start();
    await lab.call("POST", "/proxies", REDIS);
    await lab.stop();
    const kept = lab.kept();
    kept.proxies[0].toxics = [{ ...LATENCY, type: "quantum", name: "q", stream: "upstream", toxicity: 1 }];
    writeFileSync(lab.file, JSON.stringify(kept));
    await lab.start();
    expect(await leftOut()).toEqual([{ what: "proxy", name: "redis", why: "invalid toxic type" }]);
    expect(lab.kept().unrestored[0].entry.toxics).toMatchObject([{ type: "quantum" }]);
  });
});

describe("a change to a proxy of the file", () => {
  it("gives way where the file says something new about that very setting, and stays for the others", async () => {
    await lab.start({ proxies: { jobs: JOBS } });
    await lab.call("POST", "/proxies/jobs", { upstream: "127.0.0.1:10", enabled: false });
    await lab.call("POST", "/proxies/jobs/toxics", LATENCY);
    await lab.start({ proxies: { jobs: { ...JOBS, upstream: "http://127.0.0.1:12" } } });
    expect(await leftOut()).toEqual([
      {
        what: "change",
        name: "jobs",
        why: "the file says something else about its upstream now, which prevails",
      },
    ]);
    expect(await lab.get("/proxies/jobs")).toMatchObject({
      upstream: "127.0.0.1:12",
      enabled: false,
      toxics: [{ type: "latency" }],
    });
  });

  it("is left out when the file has no such proxy any more", async () => {
    await lab.start({ proxies: { jobs: JOBS } });
    await lab.call("POST", "/proxies/jobs", { enabled: false });
    await lab.start();
    expect(await leftOut()).toEqual([
      { what: "change", name: "jobs", why: "the file has no proxy of that name any more" },
    ]);
  });

  it("of its address gives way to another proxy that the file puts there", async () => {
    await lab.start({ proxies: { jobs: JOBS } });
    await lab.call("POST", "/proxies/jobs", { listen: "127.72.0.2:0" });
    const { listen } = await lab.get("/proxies/jobs");
    await lab.start({ proxies: { jobs: JOBS, other: { ...JOBS, listen } } });
    expect(await leftOut()).toEqual([
      { what: "change", name: "jobs", why: 'the proxy "other" has its address now' },
    ]);
    expect((await lab.get("/proxies/jobs")).listen).toMatch(/^127\.72\.0\.1:/u);
  });

  it("of its address is tried until it can be had, if somebody else is there", async () => {
    await lab.start({ proxies: { jobs: JOBS } });
    await lab.call("POST", "/proxies/jobs", { listen: "127.72.0.2:0" });
    const { listen } = await lab.get("/proxies/jobs");
    await lab.stop();
    await lab.occupy(Number(listen.split(":")[1]), "127.72.0.2");
    await lab.start({ proxies: { jobs: JOBS } });
    expect((await lab.get("/status")).proxies).toMatchObject([
      { name: "jobs", state: "cannot listen", listen, enabled: true },
    ]);
    expect(await leftOut()).toEqual([]);
  });

  it("of addresses that were exchanged is restored for both", async () => {
    const config = {
      proxies: { a: { ...JOBS, listen: "127.72.0.2:0" }, b: { ...JOBS, listen: "127.72.0.3:0" } },
    };
    await lab.start(config);
    const [a, b] = [(await lab.get("/proxies/a")).listen, (await lab.get("/proxies/b")).listen];
    await lab.call("POST", "/proxies/a", { listen: "127.72.0.4:0" });
    await lab.call("POST", "/proxies/b", { listen: a });
    await lab.call("POST", "/proxies/a", { listen: b });
    const before = await lab.view();
    await lab.start(config);
    expect(await lab.view()).toEqual(before);
    expect(await leftOut()).toEqual([]);
  });
});

describe("a removal", () => {
  it("is over when the file gives the proxy another address", async () => {
    await lab.start({ proxies: { jobs: JOBS } });
    await lab.call("DELETE", "/proxies/jobs");
    await lab.start({ proxies: { jobs: { ...JOBS, upstream: "http://127.0.0.1:12" } } });
    expect(await leftOut()).toMatchObject([{ what: "removal", name: "jobs" }]);
    expect(Object.keys(await lab.get("/proxies"))).toEqual(["jobs"]);
  });
});

describe("a profile", () => {
  const CHILD = "profile: child\nextends: [slow]\nfaults: [{ type: noop }]";

  it("that no longer compiles is left out with those that need it, and all of them are back when it does", async () => {
    await lab.start();
    await lab.call("PUT", "/profiles/child", CHILD);
    await lab.call("PUT", "/profiles/a-grandchild", "profile: a-grandchild\nextends: [child]");
    await lab.call("PUT", "/profiles/fine", "profile: fine\nfaults: [{ type: noop }]");
    await lab.call("PUT", "/active", { activations: [{ profile: "child", seed: 2 }, { profile: "fine" }] });
    lab.profiles("profile: other\nfaults: [{ type: noop }]\n");
    await lab.start();
    expect(await leftOut()).toMatchObject([
      { what: "profile", name: "a-grandchild" },
      { what: "profile", name: "child" },
      { what: "activation", name: "child", why: 'no profile is called "child"' },
    ]);
    expect((await lab.get("/active")).activations).toMatchObject([{ id: "fine" }]);
    lab.profiles("profile: slow\nfaults: [{ type: latency, delay: 1s }]\n");
    await lab.start();
    expect(await leftOut()).toEqual([]);
    expect((await lab.get("/active")).activations).toMatchObject([{ id: "fine" }, { id: "child", seed: 2 }]);
  });

  it("is forgotten when somebody puts one of that name", async () => {
    await lab.start();
    await lab.call("PUT", "/profiles/child", CHILD);
    lab.profiles("profile: other\nfaults: [{ type: noop }]\n");
    await lab.start();
    expect(await leftOut()).toHaveLength(1);
    await lab.call("PUT", "/profiles/child", "profile: child\nfaults: [{ type: noop }]");
    expect(lab.kept().unrestored).toEqual([]);
  });
});

describe("an activation", () => {
  it("on a proxy that is gone is on all the same, as if that had been deleted while it was on", async () => {
    await lab.start({ proxies: { jobs: JOBS } });
    await lab.call("PUT", "/active", { profile: "slow", proxies: ["jobs"] });
    await lab.start({ proxies: { other: { ...JOBS, upstream: "tcp://127.0.0.1:9" } } });
    expect(await leftOut()).toEqual([]);
    expect((await lab.get("/active")).activations).toMatchObject([{ id: "slow", proxies: ["jobs"] }]);
    await lab.call("POST", "/proxies", { ...REDIS, name: "jobs" });
    const { proxies } = await lab.get("/status");
    expect(
      proxies.map((proxy: { name: string; faults: unknown[] }) => [proxy.name, proxy.faults.length]),
    ).toEqual([
      ["other", 0],
      ["jobs", 1],
    ]);
  });

  it("of a profile that is gone is left out, and forgotten at the next heal", async () => {
    await lab.start();
    await lab.call("PUT", "/active", { profile: "slow" });
    lab.profiles("profile: other\nfaults: [{ type: noop }]\n");
    await lab.start();
    expect(await leftOut()).toEqual([
      { what: "activation", name: "slow", why: 'no profile is called "slow"' },
    ]);
    await lab.call("POST", "/proxies", REDIS);
    expect(lab.kept().unrestored).toHaveLength(1);
    await lab.call("DELETE", "/active");
    expect(lab.kept().unrestored).toEqual([]);
  });

  it("gives way to what the configuration newly wants to be on", async () => {
    await lab.start();
    await lab.call("PUT", "/active", { profile: "slow" });
    await lab.start({ activate: "steps" });
    expect((await lab.get("/active")).activations).toMatchObject([{ id: "steps" }]);
    expect(await leftOut()).toEqual([
      {
        what: "activation",
        name: "slow",
        why: "`activate` in the configuration says something else now, which prevails",
      },
    ]);
  });

  it("that was switched on in the future, as the clock has it, begins now", async () => {
    await lab.start();
    await lab.call("PUT", "/active", { profile: "steps", ttl: "10m" });
    await lab.stop();
    const kept = lab.kept();
    kept.active.activations[0].started = "2199-01-01T00:00:00.000Z";
    writeFileSync(lab.file, JSON.stringify(kept));
    await lab.start();
    const [activation] = (await lab.get("/active")).activations;
    expect(activation).toMatchObject({ id: "steps", phase: "calm" });
    expect(activation.remaining_seconds).toBeLessThanOrEqual(20);
  });
});
