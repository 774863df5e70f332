/** The tests that users of the job world ask for first, by the names that they have in the coverage table; in full in test/long. */
import { describe, it } from "vitest";
import { scaled } from "../support/scope.js";
import {
  crashRecovery,
  highLatency,
  highVolume,
  largePayloads,
  multipleBots,
  restartReconnection,
  simulatedCrash,
} from "./stories.js";

const MIB = 2 ** 20;
const SMALL_JOBS = scaled(150, 400);

describe("mock_server_crash_recovery", () => {
  it("loses no job and does none twice when the server is killed in mid-job", () =>
    crashRecovery({ jobs: 12, crashes: 1 }));
  it("does no job again when the crash is a simulated one", () => simulatedCrash({ jobs: 12 }));
});

describe("mock_server_restart_reconnection", () => {
  it("has every bot ask for jobs again after each restart", () => restartReconnection({ restarts: 1 }));
});

describe("mock_server_high_latency_handling", () => {
  it("gets all jobs done once, and repeats nothing", () =>
    highLatency({ delay: "150ms", jitter: "300ms", jobs: scaled(4, 8) }));
});

describe("mock_server_multiple_bot_handling", () => {
  it("serves many bots, with room for all and then without", () =>
    multipleBots({ bots: scaled(16, 32), jobs: scaled(40, 100) }));
});

describe("mock_server_high_job_volume", () => {
  it(`gets ${SMALL_JOBS} small jobs done once each while all bots share one line`, () =>
    highVolume({ jobs: SMALL_JOBS }));
});

describe("mock_server_large_job_payloads", () => {
  it("carries large bodies whole while Squall's memory stays flat", () =>
    largePayloads({ bytes: scaled(8, 24) * MIB, memory: 96 * MIB }));
});
