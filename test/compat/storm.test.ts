/** Thousands of random requests against both APIs under traffic: no crash, no hang, no answer that nobody documented. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { CompatLab } from "./compat-lab.js";
import { storm } from "./storm.js";
import { scaled, WHOLE } from "../support/scope.js";

const REQUESTS = scaled(400, 5_000);

let here: CompatLab;

beforeEach(async () => {
  here = await CompatLab.open();
});

afterEach(() => here.close());

it(`answers ${REQUESTS} random requests, and is as sound afterwards as before`, async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const report = await storm({
    url: here.url,
    requests: REQUESTS,
    seed,
    echo: await here.lab.echo(),
    dead: await here.lab.deadPort(),
  });
  const { statuses, slowest, connections, bytes } = report;
  console.log(
    `seed ${seed}: ${JSON.stringify(statuses)}, slowest ${slowest.millis.toFixed(1)} ms (${slowest.what}), ` +
      `${connections} connections, ${bytes} bytes`,
  );
  expect(report.wrong, `seed ${seed}`).toEqual([]);
  expect(connections).toBeGreaterThan(scaled(8, 100));
  // So few requests may happen to make no proxy that carries anything.
  if (WHOLE) expect(bytes).toBeGreaterThan(10_000);
  expect(here.squall?.journal({ limit: 100_000 }).filter(({ kind }) => kind === "mistake")).toEqual([]);
  await here.ask("DELETE", "/active");
  await here.clear();
  const port = await here.proxy("after", await here.lab.echo());
  const client = here.connect(port);
  client.write("still here");
  expect((await client.received(10)).toString()).toBe("still here");
});
