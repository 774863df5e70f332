import pc from "picocolors";
import { expect, it } from "vitest";
import { describeEvent } from "../../../src/mock/bot/describe.js";
import type { BotEvent } from "../../../src/mock/bot/events.js";

it.each<[BotEvent, string]>([
  [{ event: "registered", bot_id: "bot-7", expires_in: 3600 }, "registered as bot-7, with a token for 1h"],
  [{ event: "refreshed", bot_id: "bot-7", expires_in: 90 }, "has a new token for 1m30s"],
  [{ event: "idle" }, "no job yet"],
  [{ event: "leased", job: "job-1", type: "wash", attempt: 1 }, "leased job-1 (wash)"],
  [{ event: "leased", job: "job-1", type: "wash", attempt: 2 }, "leased job-1 (wash, attempt 2)"],
  [{ event: "working", job: "job-1" }, "working on job-1"],
  [{ event: "heartbeat", job: "job-1", progress: 0.456 }, "job-1 is at 46 %"],
  [{ event: "downloaded", job: "job-1", bytes: 65_536, received: 70_000 }, "has the payload of job-1, 64KiB"],
  [
    { event: "uploaded", job: "job-1", artifact: "log", bytes: 3, attempts: 1, resumed_from: 0 },
    "gave log of job-1, 3B",
  ],
  [{ event: "completed", job: "job-1", repeated: false }, "completed job-1"],
  [{ event: "completed", job: "job-1", repeated: true }, "completed job-1, as the server knew already"],
  [{ event: "failed", job: "job-1", why: "out of soap" }, "failed job-1: out of soap"],
  [{ event: "lease_lost", job: "job-1", why: "gone" }, "lost job-1: gone"],
  [
    { event: "retrying", call: "lease", why: "connection refused", attempt: 2, wait: 350 },
    "lease: connection refused; attempt 2 failed, next in 350ms",
  ],
  [
    { event: "recovered", call: "lease", attempts: 3, after: 1_250 },
    "lease: through again after 3 attempts and 1.25s",
  ],
  [{ event: "stopped" }, "stopped"],
])("tells %o", (event, text) => {
  expect(describeEvent(event, pc.createColors(false))).toBe(text);
});
