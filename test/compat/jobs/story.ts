/**
 * What every job system goes through: jobs without faults, jobs under a profile, jobs when it is healed. Whether each was
 * done as the system promises is counted from its own accounts; nothing is said of how long anything takes.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getJson, Workshop } from "../../support/process.js";
import { freePort } from "../../support/free-port.js";

/** A job system with its workers, seen through Squall; what it says of itself it is asked directly. */
export interface Site {
  /** Resolves when the system has said that it has the job; tries for as long as it must. */
  submit(job: string): Promise<void>;
  /** How often a worker ran it. */
  ran(job: string): number;
  /**
   * How often it may have been run by what the system promises: once, and again for each loss that it could not see
   * through. `hits` is how often faults struck.
   */
  mayRun(job: string, hits: number): Promise<number>;
  /** What is waiting or under way. */
  left(): Promise<number>;
  close(): Promise<void>;
}

export interface JobSystem {
  readonly name: string;
  /** What the machine must have for it; null where it has. */
  readonly missing: string | null;
  readonly program: (port: number, folder: string) => readonly [command: string, ...args: string[]];
  /** Profiles under which its own clients get through, however long it takes; others are healed first. */
  readonly copesWith: readonly string[];
  open(ports: { readonly direct: number; readonly squall: number }, folder: string): Promise<Site>;
}

/** How long a job takes, so that faults come in its midst as well. */
export const WORK_MS = 20;

/** Shipped profiles, with their times scaled to such jobs. */
const PROFILES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "server-crash": {},
  "partition": { calm: "1ms", cut: "10m" },
  "flaky-connections": { after: "200ms", part: "100%" },
  "packet-loss": { loss: "15%", rtt: "20ms" },
  "high-latency": { delay: "60ms", jitter: "200ms" },
  "half-open": { idle: "250ms" },
};
const JOBS = 20;
/** What a profile must have done before it is healed, where jobs get through: more jobs come until then. */
const HITS_MIN = 3;

export function has(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).error === undefined;
}

/** Starts a server and resolves when it takes connections. */
async function serve(
  [command, ...args]: readonly [string, ...string[]],
  port: number,
): Promise<() => Promise<void>> {
  const child = spawn(command, args, { stdio: "ignore" });
  const over = once(child, "exit");
  over.catch(() => undefined);
  for (let answers = false; !answers;) {
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}`);
    const socket = connect(port, "127.0.0.1");
    answers = await new Promise<boolean>((resolve) => {
      socket.on("connect", () => {
        resolve(true);
      });
      socket.on("error", () => {
        resolve(false);
      });
    });
    socket.destroy();
  }
  return async () => {
    child.kill("SIGKILL");
    await over;
  };
}

/** Asks again and again; the test's own time limit is the only one. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}

export function tellStory(system: JobSystem): void {
  const { name, missing } = system;
  const needs = missing === null ? "" : ` (needs: ${missing})`;

  describe.skipIf(missing !== null)(`${name} through Squall`, () => {
    let shop: Workshop;
    let stop: () => Promise<void>;
    let admin: string;
    let site: Site;

    beforeAll(async () => {
      shop = new Workshop();
      const direct = await freePort();
      stop = await serve(system.program(direct, shop.folder), direct);
      const upstream = `tcp://127.0.0.1:${direct}`;
      ({ admin } = await shop.daemon({ proxies: { jobs: { listen: "127.0.0.1:0", upstream } } }));
      const { body } = await getJson(`${admin}/status`);
      const [proxy] = body["proxies"] as { listen: string }[];
      const squall = Number(proxy?.listen.split(":").at(-1));
      site = await system.open({ direct, squall }, shop.folder);
    });

    afterAll(async () => {
      await site.close();
      await stop();
      await shop.close();
    });

    /** Answers the activation's id. */
    async function activate(profile: string): Promise<string> {
      const { status, body } = await getJson(`${admin}/active`, {
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ profile, params: PROFILES[profile], seed: 7 }),
      });
      expect(status, JSON.stringify(body)).toBe(200);
      const [activation] = body["activations"] as { id: string }[];
      return activation?.id ?? "";
    }

    async function hitsOf(activation: string): Promise<number> {
      const query = `kind=fault_hit&activation=${activation}&limit=1000`;
      const { body } = await getJson(`${admin}/journal?${query}`);
      return (body["entries"] as unknown[]).length;
    }

    const done = async (jobs: readonly string[]): Promise<void> => {
      await until(() => jobs.every((job) => site.ran(job) > 0));
      await until(async () => (await site.left()) === 0);
    };
    const counts = (jobs: readonly string[]): number[] => jobs.map((job) => site.ran(job));
    const submitAll = (jobs: readonly string[]): Promise<unknown> =>
      Promise.all(jobs.map((job) => site.submit(job)));
    const ONCE = Array<number>(JOBS).fill(1);

    for (const profile of Object.keys(PROFILES)) {
      it(`does every job under ${profile} as it promises, and each once before it and when it is healed${needs}`, async () => {
        const batch = (when: string): string[] =>
          Array.from({ length: JOBS }, (_, n) => `${profile}.${when}.${n}`);
        const before = batch("before");
        await submitAll(before);
        await done(before);
        expect(counts(before)).toEqual(ONCE);

        const activation = await activate(profile);
        const during: string[] = [];
        let submitted: Promise<unknown> = Promise.resolve();
        if (system.copesWith.includes(profile)) {
          do {
            const more = batch(`during.${during.length / JOBS}`);
            during.push(...more);
            await submitAll(more);
            await done(more);
          } while ((await hitsOf(activation)) < HITS_MIN);
        } else {
          during.push(...batch("during"));
          submitted = submitAll(during);
          await until(async () => (await hitsOf(activation)) > 0);
        }
        await getJson(`${admin}/active`, { method: "DELETE" });
        await submitted;
        await done(during);
        const struck = await hitsOf(activation);
        for (const job of during) {
          expect(site.ran(job), job).toBeGreaterThan(0);
          expect(site.ran(job), job).toBeLessThanOrEqual(await site.mayRun(job, struck));
        }

        const settled = counts(during);
        const after = batch("after");
        await submitAll(after);
        await done(after);
        expect(counts(after)).toEqual(ONCE);
        expect(counts(during)).toEqual(settled);
        expect(counts(before)).toEqual(ONCE);
      });
    }
  });
}
