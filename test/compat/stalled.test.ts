/** 200 clients that stop reading: every call is answered, no connection is lost, and nothing is left behind. */
import { afterEach, expect, it } from "vitest";
import { CompatLab } from "./compat-lab.js";
import { StalledCrowd } from "./stalled.js";

const HELD_MAX = 32 * 2 ** 20;

let here: CompatLab;
let crowd: StalledCrowd;

afterEach(async () => {
  crowd.close();
  await here.close();
});

it("200 clients that stop reading keep no toxic from coming, changing and going, a hundred times", async () => {
  here = await CompatLab.open({ config: { limits: { held: "32MiB" } } });
  crowd = await StalledCrowd.gather(here.url, 200);
  expect((await crowd.status()).connections).toBe(200);
  await crowd.disturb(100);
  const { connections, held_bytes: held } = await crowd.status();
  expect([connections, crowd.ends]).toEqual([200, []]);
  // A chunk or two beyond the budget for each connection, as only sources are paused.
  expect(held).toBeLessThan(HELD_MAX + 200 * 2 * 64 * 1024);
  crowd.leave();
  let left = await crowd.status();
  while (left.connections > 0) left = await crowd.status();
  expect(left.held_bytes).toBe(0);
});
