/** Flaws in how a bot moves large bodies. */
import { writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { Work } from "../../../src/mock/bot/job.js";
import type { Flaws } from "../../../src/mock/bot/flaws.js";
import { ask, crookedWay, mockServer, watchedBot } from "../support.js";
import { GOOD, only, coded, digesting, sha256, submitBody, uploadServer } from "./parts.js";

describe("trusts-short-bodies", () => {
  const payload = coded(300_000);
  const afterCut = async (flaws: Flaws) => {
    const { url } = await mockServer();
    const id = await submitBody(url, payload);
    const way = await crookedWay(url, { payload: ["cut the answer"] });
    const bot = watchedBot(way.url, { flaws, work: digesting });
    await bot.seen("completed");
    const { result } = (await ask(url, `GET /v1/jobs/${id}`)).body;
    return { result, downloaded: await bot.seen("downloaded") };
  };

  it("a good bot fetches the rest, and no more than that", async () => {
    const { result, downloaded } = await afterCut(GOOD);
    expect(result).toBe(sha256(payload));
    expect(downloaded).toMatchObject({ bytes: payload.length, received: payload.length });
  });

  it("the flawed one works on what came", async () => {
    const { result, downloaded } = await afterCut(only("trusts-short-bodies"));
    expect(downloaded.bytes).toBeLessThan(payload.length);
    expect(result).not.toBe(sha256(payload));
  });
});

describe("restart-from-zero", () => {
  const artifact = coded(1_000_000);
  const upload = async (flaws: Flaws) => {
    const server = await uploadServer([400_000, 300_000]);
    const work: Work = async (_job, desk) => {
      const file = await desk.newFile();
      await writeFile(file, artifact);
      await desk.attach("log", file);
    };
    const bot = watchedBot(server.url, { flaws, work });
    await bot.seen("completed");
    expect(server.kept().equals(artifact)).toBe(true);
    return server.starts;
  };

  it("a good bot goes on behind what has arrived", async () => {
    expect(await upload(GOOD)).toEqual([0, 400_000, 700_000]);
  });

  it("the flawed one sends everything again", async () => {
    expect(await upload(only("restart-from-zero"))).toEqual([0, 0, 0]);
  });
});
