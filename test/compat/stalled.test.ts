/** A crowd of clients that stop reading: every call is answered, no connection is lost, and nothing is left behind. */
import { afterEach, expect, it } from "vitest";
import { CompatLab } from "./compat-lab.js";
import { StalledCrowd } from "./stalled.js";
import { scaled } from "../support/scope.js";

const CLIENTS = scaled(60, 200);
const ROUNDS = scaled(20, 100);
const HELD_MAX = 32 * 2 ** 20;

let here: CompatLab;
let crowd: StalledCrowd;

afterEach(async () => {
  crowd.close();
  await here.close();
});

it(`${CLIENTS} clients that stop reading keep no toxic from coming, changing and going, ${ROUNDS} times`, async () => {
  here = await CompatLab.open({ config: { limits: { held: "32MiB" } } });
  crowd = await StalledCrowd.gather(here.url, CLIENTS);
  expect((await crowd.status()).connections).toBe(CLIENTS);
  await crowd.disturb(ROUNDS);
  const { connections, held_bytes: held } = await crowd.status();
  expect([connections, crowd.ends]).toEqual([CLIENTS, []]);
  // A chunk or two beyond the budget for each connection, as only sources are paused.
  expect(held).toBeLessThan(HELD_MAX + CLIENTS * 2 * 64 * 1024);
  crowd.leave();
  let left = await crowd.status();
  while (left.connections > 0) left = await crowd.status();
  expect(left.held_bytes).toBe(0);
});
