/** Ordinals that nobody came to: told at the end of an activation, and while it goes on. */
import { afterEach, describe, expect, it } from "vitest";
import type { WhenEntry } from "../../src/config/conditions.js";
import type { HttpProxy } from "../../src/proxy/http/proxy.js";
import { lineOf } from "../../src/telemetry/sentences.js";
import { answerTo, get, httpTimeLab, ok, type HttpLab } from "../support/http-lab.js";
import { fault } from "../support/lab.js";

let lab: HttpLab;
afterEach(async () => {
  await lab.close();
});

async function setUp(names = ["jobs"]): Promise<HttpProxy[]> {
  ({ lab } = httpTimeLab());
  const server = await lab.scripted(() => ok(""));
  return Promise.all(names.map((name) => lab.http(server.port, { name })));
}

async function ask(proxy: HttpProxy | undefined, times: number, path = "/a"): Promise<void> {
  if (proxy === undefined) throw new Error("no such proxy");
  const client = lab.client(proxy);
  let from = 0;
  for (let time = 0; time < times; time++) {
    client.write(get(path));
    from = (await answerTo(client, { from })).end;
  }
  client.fin();
}

const use = (when: WhenEntry, path = "/**"): void => {
  lab.use([fault("http_status", { status: 503 }, { name: "lose", match: [{ path: [path] }], when })]);
};
const ended = (): { not_reached: unknown; warnings: readonly string[] } => {
  lab.heal();
  const end = lab.facts.of("activation_ended").at(-1);
  return { not_reached: end?.faults[0]?.not_reached, warnings: end?.warnings ?? [] };
};

describe("ordinals that were not reached", () => {
  it("are in the report, and in a sentence of its own", async () => {
    const [proxy] = await setUp();
    use({ only: [2, 7, 9] });
    await ask(proxy, 4);
    expect(lab.plan.soFar("test")[0]?.text).toBe("1 of 4 exchanges so far; not reached: the 7th and the 9th");
    expect(ended()).toEqual({
      not_reached: [7, 9],
      warnings: ["lose hit 1 of 4 matching exchanges: the 7th and the 9th were not reached"],
    });
    const [end] = lab.facts.of("activation_ended");
    expect(end && lineOf(end).more?.[0]).toMatch(/; not reached: 7, 9$/u);
  });

  it("are the reason why nothing was hit, and none where all were", async () => {
    const [proxy] = await setUp();
    use({ only: [5] });
    await ask(proxy, 4);
    expect(ended()).toEqual({
      not_reached: [5],
      warnings: ["lose hit 0 of 4 matching exchanges: the 5th was not reached"],
    });
    use({ only: [1, 4] });
    await ask(proxy, 4);
    expect(ended()).toEqual({ not_reached: [], warnings: [] });
    use({ skip: 1 });
    await ask(proxy, 4);
    expect(ended()).toEqual({ not_reached: undefined, warnings: [] });
  });

  it("were reached if one of those came to them that are counted by themselves", async () => {
    const [proxy] = await setUp();
    const when: WhenEntry = { only: [2, 3], per: ["bot", "route"] };
    lab.use([fault("http_status", { status: 503 }, { name: "lose", when })]);
    await ask(proxy, 2, "/a");
    await ask(proxy, 1, "/b");
    expect(ended().not_reached).toEqual([3]);
  });

  it("are warned of where no proxy came to them", async () => {
    const [one, other] = await setUp(["one", "other"]);
    use({ only: [2, 3, 4] });
    await ask(one, 1);
    await ask(other, 3);
    expect(ended().warnings).toEqual(["lose hit 2 of 4 matching exchanges: the 4th was not reached"]);
    expect(lab.facts.of("activation_ended")[0]?.faults.map(({ not_reached: rest }) => rest)).toEqual([
      [2, 3, 4],
      [4],
    ]);
  });

  it("are told up to a hundred, and said up to eight", async () => {
    const [proxy] = await setUp();
    use({ only: Array.from({ length: 500 }, (_, index) => index + 2) });
    await ask(proxy, 1);
    const { not_reached: rest, warnings } = ended();
    expect(rest).toHaveLength(100);
    expect(warnings[0]).toMatch(/the 2nd, the 3rd, .*, the 9th and 92 more were not reached$/u);
  });

  it("go with what a change of its text leaves, and what was reached stays so", async () => {
    const [proxy] = await setUp();
    use({ only: [2] });
    await ask(proxy, 3);
    lab.change([fault("http_status", { status: 503 }, { name: "lose", when: { only: [3, 6] } })]);
    await ask(proxy, 1);
    expect(ended().not_reached).toEqual([6]);
  });

  it("are not said beside a match that held for nobody", async () => {
    const [proxy] = await setUp();
    use({ only: [1] }, "/elsewhere");
    await ask(proxy, 2);
    expect(ended()).toEqual({
      not_reached: [1],
      warnings: ["lose matched 0 of 2 exchanges: no path matches"],
    });
  });
});
