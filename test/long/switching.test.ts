/** Profiles switched every 10 ms for half a minute under 200 connections that check every byte. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { CLEAN, switchUnderLoad } from "../support/switching.js";

const SECONDS = 30;

it("loses, doubles and swaps no byte, and leaks nothing, in 30 s of switches", async () => {
  const until = performance.now() + SECONDS * 1_000;
  const result = await switchUnderLoad(200, async () => {
    await sleep(10);
    return performance.now() < until;
  });
  console.log(
    `${result.switches} switches, ${(result.bytes / 1e6).toFixed(0)} MB checked, ${result.bindings} faults taken up and given back`,
  );
  expect(result).toMatchObject(CLEAN);
  expect(result.switches).toBeGreaterThan(100);
});
