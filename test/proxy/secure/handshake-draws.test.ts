/** The same seed hits the same handshakes of the same bots, whatever the others do: fifty bots, in two orders. */
import { afterEach, expect, it } from "vitest";
import type { CompiledFault } from "../../../src/plan/value.js";
import { closing } from "../../support/http-lab.js";
import { fault, until } from "../../support/lab.js";
import { scaled } from "../../support/scope.js";
import { SecureLab, secureSpec } from "../../support/secure-lab.js";

let lab = new SecureLab();
afterEach(async () => {
  await lab.close();
  lab = new SecureLab();
});

const BOTS = Array.from({ length: 50 }, (_, n) => `127.0.0.${n + 10}`);
const EACH = scaled(2, 5);
const FAULTS: readonly CompiledFault[] = [
  fault("tls_alert", { alert: "internal_error" }, { when: { probability: 0.3 } }),
  fault("tls_certificate", { problem: "expired" }, { when: { probability: 0.3, skip: 1, per: "bot" } }),
  fault("tls_terms", { max: "1.2" }, { when: { every: 2, per: "bot" } }),
];

/** What each bot saw of its handshakes, one after the other. */
type Run = ReadonlyMap<string, readonly string[]>;

async function run(seed: number, order: "in turn" | "all at once", bots = BOTS): Promise<Run> {
  const server = await lab.answering();
  const proxy = await lab.http(server.port, { name: "jobs", secure: secureSpec() });
  lab.use(FAULTS, { seed });
  const seen = new Map<string, string[]>(bots.map((bot) => [bot, []]));
  const handshake = async (bot: string): Promise<void> => {
    const from = { servername: "jobs.example", localAddress: bot };
    const { how, version } = await lab.sees(proxy, from, closing);
    seen.get(bot)?.push(`${how} ${version ?? ""}`);
  };
  if (order === "in turn") {
    for (const bot of bots) for (let n = 0; n < EACH; n++) await handshake(bot);
  } else {
    const backwards = [...bots].reverse();
    await Promise.all(
      backwards.map(async (bot) => {
        for (let n = 0; n < EACH; n++) await handshake(bot);
      }),
    );
  }
  await until(() => proxy.stats.connectionsActive === 0);
  proxy.stop();
  return seen;
}

const counted = (report: { readonly hits: number; readonly subjects: number; readonly of: string }): string =>
  `${report.hits} of ${report.subjects} ${report.of}`;

it("hits the same handshakes of each bot, in whatever order they come", async () => {
  const one = await run(7, "in turn");
  const books = lab.plan.soFar("test");
  expect(books.map(({ subjects }) => subjects)).toEqual(FAULTS.map(() => BOTS.length * EACH));
  // What the clients saw, what the books say and what was told of it agree.
  const alerts = [...one.values()].flat().filter((how) => how.includes("INTERNAL_ERROR")).length;
  const expired = [...one.values()].flat().filter((how) => how.includes("EXPIRED")).length;
  expect(books.map(({ hits }) => hits).slice(0, 2)).toEqual([alerts, expired]);
  const hits = lab.facts.of("fault_hit");
  expect(FAULTS.map(({ name }) => hits.filter((hit) => hit.fault === name).length)).toEqual(
    books.map(({ hits: n }) => n),
  );
  // Three in ten, give or take five standard deviations.
  expect(Math.abs(alerts - 0.3 * BOTS.length * EACH)).toBeLessThan(5 * Math.sqrt(0.21 * BOTS.length * EACH));
  const same = await run(7, "all at once");
  expect(same).toEqual(one);
  expect(lab.plan.soFar("test").map(counted)).toEqual(books.map(counted));
  const few = BOTS.slice(0, 8);
  const other = await run(8, "all at once", few);
  expect(few.map((bot) => other.get(bot))).not.toEqual(few.map((bot) => one.get(bot)));
});
