/** Random calls at a daemon that is killed at random moments, held against one that never is. */
import { Agent, request } from "node:http";
import { join } from "node:path";
import { expect } from "vitest";
import { startSquall, type Squall as Twin } from "../../src/index.js";
import { ROOT, getJson, type Squall, type Workshop } from "../support/process.js";
import { viewOf } from "./state-lab.js";

const PROFILES = [join(ROOT, "profiles")];
export const CONFIG = {
  profiles: PROFILES,
  watch: false,
  seed: 1,
  proxies: {
    jobs: { listen: "127.74.0.2:0", upstream: "http://127.0.0.1:9", enabled: false },
    bytes: { listen: "127.74.0.3:0", upstream: "tcp://127.0.0.1:9", enabled: false },
  },
};

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

/** The same calls for the same seed: xorshift, as good as any here. */
class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

function randomCall(chance: Chance): Call {
  const proxy = chance.of(["a", "b", "jobs", "bytes"]);
  const at = `/proxies/${proxy}`;
  const call = (method: string, path: string, body?: unknown): Call => ({
    method,
    path,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const upstream = `127.0.0.1:${1 + chance.below(9)}`;
  const made = { name: proxy, listen: "127.74.0.1:0", upstream, enabled: chance.below(3) === 0 };
  const profile = chance.of(["high-latency", "lost-ack", "mine"]);
  switch (chance.below(14)) {
    case 0:
    case 1:
      return call("POST", "/proxies", made);
    case 2:
      return call("DELETE", at);
    case 3:
      return call("POST", at, { enabled: chance.below(2) === 0 });
    case 4:
      return call("POST", at, { upstream });
    case 5:
      return call("POST", "/populate", [made]);
    case 6:
      return call("POST", "/reset");
    case 7:
    case 8:
      return call("POST", `${at}/toxics`, {
        name: chance.of(["x", "y"]),
        type: "latency",
        toxicity: 0.5,
        attributes: { latency: chance.below(1_000) },
      });
    case 9:
      return call("DELETE", `${at}/toxics/${chance.of(["x", "y"])}`);
    case 10:
      return call("PUT", "/profiles/mine", {
        profile: "mine",
        faults: [{ type: "latency", delay: `${1 + chance.below(99)}ms` }],
      });
    case 11:
      return chance.of([
        call("DELETE", "/active"),
        call("DELETE", "/profiles/mine"),
        call("POST", "/reload"),
      ]);
    case 12:
      return call("PUT", "/active", { profile, seed: chance.below(100) });
    default:
      return call("POST", "/active", { faults: [{ type: "noop" }], seed: chance.below(100), ttl: "1h" });
  }
}

/** Sends a call; the answer's status, or null if the daemon was gone before it came. */
export function send(admin: string, { method, path, body }: Call, agent: Agent): Promise<number | null> {
  return new Promise((resolve) => {
    const asking = request(`${admin}${path}`, { method, agent }, (response) => {
      response.resume();
      response.on("end", () => {
        resolve(response.complete ? (response.statusCode ?? 0) : null);
      });
      response.on("error", () => {
        resolve(null);
      });
    });
    asking.on("error", () => {
      resolve(null);
    });
    asking.end(body);
  });
}

/** Where the line that starts a run again calls: each daemon has an admin port of its own. */
const CALLED_AT = /curl -X PUT http:\/\/127\.0\.0\.1:\d+/gu;

/** The view without what two daemons cannot have in common: ports, and when something began. */
function alike(view: unknown): unknown {
  const text = JSON.stringify(view)
    .replaceAll(/("listen":"127\.74\.0\.\d):\d+"/gu, '$1:*"')
    .replaceAll(/"since":"[^"]+"/gu, '"since":"*"')
    .replaceAll(CALLED_AT, "curl -X PUT http://*");
  return JSON.parse(text) as unknown;
}

/** The same without the ports that are the file's: it wants any free one, and gets another in each life. */
function exactly(view: unknown): unknown {
  const text = JSON.stringify(view)
    .replaceAll(/("listen":"127\.74\.0\.[23]):\d+"/gu, '$1:*"')
    .replaceAll(CALLED_AT, "curl -X PUT http://*");
  return JSON.parse(text) as unknown;
}

export const get =
  (admin: string) =>
  async (path: string): Promise<never> =>
    (await getJson(`${admin}${path}`)).body as never;

export async function kill(process: Squall): Promise<void> {
  process.kill("SIGKILL");
  await process.ended;
}

/** Kills it so many times, each time after some calls and in the middle of another. */
export async function killOften(shop: Workshop, seed: number, lives: number): Promise<void> {
  const chance = new Chance(seed);
  const agent = new Agent({ keepAlive: true });
  // Does the same without ever being killed.
  const twin: Twin = await startSquall({ config: CONFIG });
  try {
    for (let life = 0; life < lives; life++) {
      const { process, admin } = await shop.daemon(CONFIG, ["--state", join(shop.folder, "state.json")]);
      const calls = 1 + chance.below(12);
      for (let n = 0; n < calls; n++) {
        const call = randomCall(chance);
        const status = await send(admin, call, agent);
        expect([call, await send(twin.adminUrl, call, agent)]).toEqual([call, status]);
      }
      const answered = await viewOf(get(admin));
      expect(alike(answered)).toEqual(alike(await viewOf(get(twin.adminUrl))));
      // And one more, in the middle of which the end comes: before, while or after it is carried out.
      const last = randomCall(chance);
      const sent = send(admin, last, agent);
      for (let turn = chance.below(40); turn > 0; turn--) await new Promise((next) => setImmediate(next));
      process.kill("SIGKILL");
      const status = await sent;
      await process.ended;
      const again = await shop.daemon(CONFIG, ["--state", join(shop.folder, "state.json")]);
      const restored = await viewOf(get(again.admin));
      const before = JSON.stringify(alike(restored)) === JSON.stringify(alike(answered));
      // The same switched on again looks alike, and began later.
      if (before && !last.path.startsWith("/active")) expect(exactly(restored)).toEqual(exactly(answered));
      if (!before || status !== null) await send(twin.adminUrl, last, agent);
      const expected = alike(await viewOf(get(twin.adminUrl)));
      expect(alike(restored), `${JSON.stringify(last)} ${String(status)}`).toEqual(expected);
      expect((await getJson(`${again.admin}/status`)).body["state"]).toMatchObject({ unrestored: [] });
      await kill(again.process);
    }
  } finally {
    agent.destroy();
    await twin.stop();
  }
}
