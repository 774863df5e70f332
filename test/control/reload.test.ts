/** What happens to changes through the API that come while a reload binds ports. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Library } from "../../src/config/library.js";
import { Control } from "../../src/control.js";
import type { Desired } from "../../src/control/reload.js";
import { ProxySet } from "../../src/proxy/proxy-set.js";
import { Lab, TYPES, until, type Upstream } from "../support/lab.js";

const profile = (name: string, rest = "", delay = "1s"): string =>
  `profile: ${name}\n${rest}faults: [{ type: latency, delay: ${delay} }]\n`;

let lab: Lab;
let proxySet: ProxySet;
let control: Control;
let wanted: Desired["files"];
let connections: number;
let upstreamPort: number;

beforeEach(() => {
  lab = new Lab();
  proxySet = new ProxySet(lab.context, lab.plan);
  wanted = [];
  connections = 100;
  upstreamPort = 9;
  const listen = { host: "127.0.0.1", port: 0 };
  const rest = { dialTimeout: 5_000, proxyProtocol: "off", except: [] } as const;
  control = new Control({
    plan: lab.plan,
    proxySet,
    library: new Library(TYPES),
    types: TYPES,
    kernel: () => null,
    facts: lab.facts,
    load: () =>
      Promise.resolve({
        proxies: [
          { name: "jobs", listen, upstream: { host: "127.0.0.1", port: upstreamPort }, ...rest, connections },
        ],
        files: wanted,
        restartNeeded: [],
      }),
  });
});

afterEach(async () => {
  vi.restoreAllMocks();
  proxySet.stop();
  await lab.close();
});

/** A reload, and what is done while its proxy is bound. */
function reloadMeanwhile(act: () => void): Promise<unknown> {
  const add = proxySet.add.bind(proxySet);
  vi.spyOn(proxySet, "add").mockImplementation(async (...given) => {
    const proxy = await add(...given);
    act();
    return proxy;
  });
  return control.reload();
}

const names = (): string[] => control.profiles.list().map(({ name }) => name);

it("leaves a proxy that the API deleted deleted, until the file says something else about it", async () => {
  await control.reload();
  await control.deleteProxy("jobs");
  wanted = [{ file: "other.yaml", text: profile("other") }];
  await control.reload();
  expect(control.hasProxy("jobs")).toBe(false);
  connections = 50;
  await control.reload();
  expect(control.hasProxy("jobs")).toBe(true);
});

it("leaves bytes with the upstream that they went to, when the file names another one", async () => {
  const servers = [await lab.upstream(), await lab.upstream()] as const;
  /** What the proxy counted as delivered, by the address that it was for. */
  const counted = (): readonly (readonly [string, number])[] =>
    proxySet.find("jobs").proxy.bytePages.map(({ upstream, bytesOut }) => [upstream, bytesOut.upstream]);
  const send = async (server: Upstream, text: string): Promise<void> => {
    upstreamPort = server.port;
    await control.reload();
    const client = lab.client(proxySet.find("jobs").proxy);
    client.write(text);
    const peer = await server.next();
    await until(() => peer.text === text);
    client.rst();
    await peer.ended;
  };
  const [first, second] = servers;
  await send(first, "four");
  await send(second, "seventy");
  expect(counted()).toEqual([
    [`127.0.0.1:${first.port}`, 4],
    [`127.0.0.1:${second.port}`, 7],
  ]);
  await send(first, "more");
  expect(counted()).toEqual([
    [`127.0.0.1:${second.port}`, 7],
    [`127.0.0.1:${first.port}`, 8],
  ]);
});

it("keeps a profile that is put meanwhile, and what is switched on with it", async () => {
  wanted = [{ file: "filed.yaml", text: profile("filed") }];
  await reloadMeanwhile(() => {
    control.profiles.put("mine", profile("mine"));
    control.activate([{ what: { profile: "mine" } }], "replace");
  });
  expect(names().sort()).toEqual(["filed", "mine"]);
  expect(control.active().activations).toMatchObject([{ profile: "mine" }]);
});

it("does not bring back a profile that is deleted meanwhile", async () => {
  control.profiles.put("mine", profile("mine"));
  await reloadMeanwhile(() => {
    control.profiles.delete("mine");
  });
  expect(names()).toEqual([]);
});

it("gives an activation of meanwhile what the files now say", async () => {
  wanted = [{ file: "slow.yaml", text: profile("slow") }];
  await control.reload();
  proxySet.remove("jobs");
  connections++;
  wanted = [{ file: "slow.yaml", text: profile("slow", "", "2s") }];
  await reloadMeanwhile(() => {
    control.activate([{ what: { profile: "slow" } }], "replace");
  });
  const [fault] = lab.plan.value.activations[0]?.compiled.faults ?? [];
  expect(fault?.params).toMatchObject({ delay: 2_000 });
});

it("takes the new proxies back if the profiles no longer fit what the API did meanwhile", async () => {
  wanted = [{ file: "base.yaml", text: profile("base") }];
  await control.reload();
  proxySet.remove("jobs");
  connections++;
  wanted = [];
  const reload = reloadMeanwhile(() => {
    control.profiles.put("mine", "profile: mine\nextends: base\n");
  });
  await expect(reload).rejects.toThrow(/base/u);
  expect(control.hasProxy("jobs")).toBe(false);
  expect(names().sort()).toEqual(["base", "mine"]);
});

it("tries the profiles once, and again only when ports were bound meanwhile", async () => {
  wanted = [{ file: "filed.yaml", text: profile("filed") }];
  const tried = vi.spyOn(control.profiles, "tried");
  await control.reload();
  expect(tried).toHaveBeenCalledTimes(2);
  wanted = [{ file: "filed.yaml", text: profile("filed", "", "2s") }];
  expect(await control.reload()).toMatchObject({ changed: ["profile filed"] });
  expect(tried).toHaveBeenCalledTimes(3);
  connections = 50;
  await control.reload();
  expect(tried).toHaveBeenCalledTimes(5);
});

it("lets others have their turn between one file and the next, and between one profile and the next", async () => {
  wanted = Array.from({ length: 40 }, (_, n) => ({ file: `${n}.yaml`, text: profile(`p-${n}`) }));
  let over = false;
  const reload = control.reload().finally(() => (over = true));
  let turns = 0;
  while (!over) {
    await new Promise((resolve) => setImmediate(resolve));
    turns++;
  }
  await reload;
  expect(names()).toHaveLength(40);
  expect(turns).toBeGreaterThanOrEqual(80);
});

it("gives an activation what a parent of its profile says now", async () => {
  const child = { file: "child.yaml", text: "profile: child\nextends: parent\n" };
  wanted = [child, { file: "parent.yaml", text: profile("parent") }];
  await control.reload();
  control.activate([{ what: { profile: "child" } }], "replace");
  const delays = (): unknown[] =>
    lab.plan.value.activations.flatMap(({ compiled }) =>
      compiled.faults.map(({ params }) => params["delay"]),
    );
  expect(delays()).toEqual([1_000]);
  wanted = [child, { file: "parent.yaml", text: profile("parent", "", "2s") }];
  await control.reload();
  expect(delays()).toEqual([2_000]);
});

it("checks the files anew if the API has changed what they extend while they were read", async () => {
  await control.reload();
  control.profiles.put("mine", profile("mine"));
  wanted = [{ file: "child.yaml", text: "profile: child\nextends: mine\n" }];
  const read = Library.prototype.read;
  vi.spyOn(Library.prototype, "read").mockImplementation(async function (this: Library, ...given) {
    const found = await read.apply(this, given);
    control.profiles.delete("mine");
    return found;
  });
  await expect(control.reload()).rejects.toMatchObject({ code: "SQ_INVALID_PROFILE" });
  expect(names()).toEqual([]);
});

describe("a reload of many profiles", () => {
  const many = (delay: string): Desired["files"] =>
    Array.from({ length: 30 }, (_, n) => ({ file: `${n}.yaml`, text: profile(`many-${n}`, "", delay) }));
  /** Of what is in force, in milliseconds. */
  const delays = (): unknown[] =>
    lab.plan.value.activations.map(({ compiled }) => compiled.faults[0]?.params["delay"]);

  /** How many turns of the loop others have while it goes on. */
  async function turnsOf(reload: Promise<unknown>): Promise<number> {
    let turns = 0;
    let over = false;
    const count = (): void => {
      turns++;
      if (!over) setImmediate(count);
    };
    setImmediate(count);
    await reload.finally(() => {
      over = true;
    });
    return turns;
  }

  beforeEach(async () => {
    wanted = many("1s");
    await control.reload();
    control.activate(
      wanted.map((_, n) => ({ what: { profile: `many-${n}` } })),
      "replace",
    );
  });

  it("lets others have a turn behind each file, each check and each activation that is compiled anew", async () => {
    wanted = many("2s");
    expect(await turnsOf(control.reload())).toBeGreaterThan(2.5 * wanted.length);
    expect(delays()).toEqual(wanted.map(() => 2_000));
  });

  it("changes whole: in each turn that others have, all is on as it was, or all as it is to be", async () => {
    wanted = many("2s");
    const seen = new Set<unknown>();
    let over = false;
    const look = (): void => {
      seen.add([...new Set(delays())].join(" and "));
      if (!over) setImmediate(look);
    };
    setImmediate(look);
    await control.reload();
    over = true;
    look();
    expect([...seen]).toEqual(["1000", "2000"]);
  });

  it("takes what the API changes meanwhile into account, whether it fits or not", async () => {
    wanted = [
      ...many("2s"),
      { file: "child.yaml", text: "profile: child\nextends: parent\n" },
      { file: "parent.yaml", text: profile("parent") },
    ];
    await control.reload();
    // A parent of that text gives the child what it does not know.
    wanted = [...many("3s"), ...wanted.slice(-2)];
    const reload = control.reload();
    await new Promise((resolve) => setImmediate(resolve));
    control.profiles.put("parent", profile("parent", "", "7s"));
    control.activate([{ what: { profile: "child" } }], "add");
    await reload;
    expect(delays().at(-1)).toBe(7_000);
    expect(delays().slice(0, 2)).toEqual([3_000, 3_000]);
    // And a text that cannot go with the files leaves all as it is.
    wanted = [...many("4s"), { file: "child.yaml", text: "profile: child\nextends: orphan\n" }];
    const refused = control.reload();
    await expect(refused).rejects.toMatchObject({ code: "SQ_INVALID_PROFILE" });
    expect(delays().slice(0, 2)).toEqual([3_000, 3_000]);
  });
});
