/** No client sees a byte of another's answer, and no request reaches a server under another's name, whatever faults do. Longer: test/long/tags.test.ts. */
import { expect, it } from "vitest";
import { attackWithTags, Findings, taggedServer } from "../support/tagging.js";
import { httpTimeLab } from "../support/http-lab.js";
import { scaled } from "../support/scope.js";

const SEED = Number(process.env["SQUALL_FUZZ_SEED"] ?? 13);

it.each([
  ["one upstream", 1],
  ["a pool of three", 3],
])("tells everybody's bytes apart before %s", async (_what, servers) => {
  const { lab, time } = httpTimeLab();
  try {
    const findings = new Findings();
    const members = [];
    for (let n = 0; n < servers; n++)
      members.push({ name: `m${n}`, host: "127.0.0.1", port: await taggedServer(lab, findings, SEED + n) });
    const { address } = await lab.http(members[0]?.port ?? 0, {
      identify: [{ by: "header", name: "x-bot-id" }],
      ...(servers === 1
        ? {}
        : { pool: { members, balance: "round_robin", health: null, eject: null, seed: 1 } }),
    });
    const count = scaled(100, 250);
    await attackWithTags(lab, time, address.port, findings, {
      seed: SEED,
      goOn: (clients) => clients < count,
      atOnce: 16,
    });
    expect(findings.wrong, `seed ${SEED}`).toEqual([]);
    expect(lab.facts.of("mistake")).toEqual([]);
    // Else it would show nothing.
    expect(findings.requests).toBeGreaterThan(count);
    expect(findings.answers).toBeGreaterThan(count * 5);
    expect(findings.connections.left).toBeGreaterThan(count / 8);
  } finally {
    await lab.close();
  }
});
