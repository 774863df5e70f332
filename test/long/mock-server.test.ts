/** The stories of test/e2e/mock-server.all.test.ts in full. */
import { describe, it } from "vitest";
import {
  crashRecovery,
  highLatency,
  highVolume,
  largePayloads,
  multipleBots,
  restartReconnection,
} from "../e2e/stories.js";

const MIB = 2 ** 20;

describe("mock_server_crash_recovery", () => {
  it("loses no job and does none twice over five kills in mid-job", () =>
    crashRecovery({ jobs: 100, crashes: 5 }));
});

describe("mock_server_restart_reconnection", () => {
  it("has every bot ask for jobs again after each of five restarts", () =>
    restartReconnection({ restarts: 5 }));
});

describe("mock_server_high_latency_handling", () => {
  it("gets all jobs done once, and repeats nothing", () =>
    highLatency({ delay: "400ms", jitter: "1200ms", jobs: 60 }));
});

describe("mock_server_multiple_bot_handling", () => {
  it("serves 200 bots, with room for all and then without", () => multipleBots({ bots: 200, jobs: 1000 }));
});

describe("mock_server_high_job_volume", () => {
  it("gets 20,000 small jobs done once each while all bots share one line", () =>
    highVolume({ jobs: 20_000 }));
});

describe("mock_server_large_job_payloads", () => {
  it("carries 256 MiB whole while Squall's memory stays flat", () =>
    largePayloads({ bytes: 256 * MIB, memory: 128 * MIB }));
});
