/** Ten minutes of tagged requests and answers under all faults on exchanges, before one server and before a pool; see test/security/tags.test.ts. */
import { expect, it } from "vitest";
import { attackWithTags, Findings, taggedServer } from "../support/tagging.js";
import { httpTimeLab } from "../support/http-lab.js";

const SECONDS = Number(process.env["SQUALL_TAGS_SECONDS"] ?? 600);
const SEED = Number(process.env["SQUALL_FUZZ_SEED"] ?? 14);

it.each([
  ["one upstream", 1],
  ["a pool of three", 3],
])("tells everybody's bytes apart for half of that time before %s", async (what, servers) => {
  const findings = new Findings();
  const until = performance.now() + (SECONDS * 1_000) / 2;
  let clients = 0;
  // A lab keeps all that was told, so that each is used for some thousand clients.
  for (let round = 0; performance.now() < until && findings.wrong.length === 0; round++) {
    const { lab, time } = httpTimeLab();
    const seed = SEED + 1_000 * round;
    const members = [];
    for (let n = 0; n < servers; n++)
      members.push({ name: `m${n}`, host: "127.0.0.1", port: await taggedServer(lab, findings, seed + n) });
    const { address } = await lab.http(members[0]?.port ?? 0, {
      identify: [{ by: "header", name: "x-bot-id" }],
      ...(servers === 1
        ? {}
        : { pool: { members, balance: "round_robin", health: null, eject: null, seed } }),
    });
    await attackWithTags(lab, time, address.port, findings, {
      seed,
      goOn: (begun) => begun < 2_000 && performance.now() < until,
      atOnce: 32,
    });
    clients = findings.connections.client;
    expect(findings.wrong, `seed ${seed}`).toEqual([]);
    expect(lab.facts.of("mistake")).toEqual([]);
    await lab.close();
  }
  console.log(
    `tags before ${what}: ${clients} clients, ${findings.requests} requests at the servers, ${findings.answers} tags read by clients, 0 astray`,
  );
  expect(findings.answers).toBeGreaterThan(clients);
});
