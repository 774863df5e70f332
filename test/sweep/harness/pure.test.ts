/** The parts of the harness that start nothing: output, stillness, audits, environments, addresses. */
import { platform } from "node:process";
import { checkIsolation } from "../../../src/sweep/harness/isolation.js";
import type { RunSettings } from "../../../src/sweep/run-file/settings.js";
import { sourcesIn } from "./scene.js";
import { trustValues } from "../../../src/tls/trust.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { environmentOf, filledCommand, type Surroundings } from "../../../src/sweep/harness/environment.js";
import { BoundedOutput } from "../../../src/sweep/harness/output.js";
import { heldUpBy, silenceLimit, Stillness, timeoutFor } from "../../../src/sweep/harness/stillness.js";
import { checkReach, isNear } from "../../../src/sweep/harness/upstream-reach.js";
import { readRun } from "../../../src/sweep/run-file/read.js";

describe("output that is bounded", () => {
  it("is kept whole up to the bound, byte for byte", () => {
    const output = new BoundedOutput(8);
    for (const piece of ["ab", "cdef", "gh"]) output.push(Buffer.from(piece));
    expect([output.whole().toString(), output.dropped, output.size]).toEqual(["abcdefgh", 0, 8]);
  });

  it("loses its middle beyond that, and says how much", () => {
    const output = new BoundedOutput(8);
    for (const piece of ["abcde", "fghij", "klm"]) output.push(Buffer.from(piece));
    expect(output.whole().toString()).toBe("abcd\n[squall: 5 bytes of this output are left out here]\njklm");
  });

  it("is beginning and end, whatever the pieces it came in", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 12 })),
        fc.integer({ min: 2, max: 20 }),
        (pieces, max) => {
          const output = new BoundedOutput(max);
          const all = Buffer.concat(pieces);
          for (const piece of pieces) output.push(Buffer.from(piece));
          const half = Math.floor(max / 2);
          const whole = output.whole();
          expect(output.size).toBe(all.length);
          expect(output.dropped).toBe(Math.max(0, all.length - 2 * half));
          expect(whole.subarray(0, half)).toEqual(all.subarray(0, half));
          const tail = all.subarray(Math.max(half, all.length - half));
          expect(whole.subarray(whole.length - tail.length)).toEqual(tail);
        },
      ),
    );
  });

  it("shows its last lines without the empty ones behind them", () => {
    const output = new BoundedOutput();
    output.push(Buffer.from("one\ntwo\nthree\n\n"));
    expect([output.last(2), output.last(9, 4)]).toEqual(["two\nthree", "hree"]);
  });
});

describe("stillness", () => {
  /** At each second: bytes so far, and processor time. */
  const walk = (looks: readonly (readonly [number, string | null])[]): number[] => {
    const stillness = new Stillness(0);
    return looks.map(([bytes, work], at) => stillness.look((at + 1) * 1_000, bytes, () => work));
  };

  it.each([
    [
      "grows while neither moves",
      [
        [5, "a"],
        [5, "a"],
        [5, "a"],
        [5, "a"],
      ],
      [0, 0, 1_000, 2_000],
    ],
    [
      "ends with a byte",
      [
        [5, "a"],
        [5, "a"],
        [5, "a"],
        [6, "a"],
      ],
      [0, 0, 1_000, 0],
    ],
    [
      "ends with processor time",
      [
        [5, "a"],
        [5, "a"],
        [5, "b"],
        [5, "b"],
      ],
      [0, 0, 0, 1_000],
    ],
    [
      "is none where processor time cannot be seen",
      [
        [5, null],
        [5, null],
        [5, null],
      ],
      [0, 0, 0],
    ],
  ] as const)("%s", (_name, looks, expected) => {
    expect(walk(looks)).toEqual(expected);
  });

  it("remembers its longest", () => {
    const stillness = new Stillness(0);
    for (const [now, bytes] of [
      [1_000, 1],
      [2_000, 1],
      [9_000, 1],
      [10_000, 2],
    ] as const)
      stillness.look(now, bytes, () => "same");
    expect(stillness.longest).toBe(7_000);
  });

  it("is a hang at five times the longest of fault-free runs, and never before half a minute", () => {
    expect([silenceLimit([]), silenceLimit([2_000, 5_000]), silenceLimit([20_000])]).toEqual([
      30_000, 30_000, 100_000,
    ]);
  });

  it("beside it, time-outs are three times the slowest, and at least half a minute more", () => {
    expect([timeoutFor([500, 2_000]), timeoutFor([20_000])]).toEqual([32_000, 60_000]);
  });

  it.each([
    [[], 0],
    [[{ type: "lost_response", name: "a", then: "hang" }], 0],
    [[{ type: "late_response", name: "a", hold: "15000ms", when: { only: [1] } }], 15_000],
    [[{ type: "http_status", name: "a", status: 429, retry_after: "2000ms" }], 2_000],
    [[{ type: "lost_request", name: "a", when: { only: [1], lasts: "8000ms" } }], 16_000],
    [[{ type: "down", name: "a", when: { for: "2s" } }], 4_000],
    [
      [
        { type: "late_response", name: "a", hold: "1s" },
        { type: "http_delay", name: "b", delay: "500ms" },
      ],
      1_500,
    ],
  ])("leave a command the time for which %j hold it up", (faults, expected) => {
    expect(heldUpBy(faults)).toBe(expected);
  });
});

const HERE: Surroundings = {
  wires: [
    {
      name: "jobs",
      url: "http://127.0.0.1:4001",
      host: "127.0.0.1",
      port: 4001,
      secure: false,
      trusts: false,
    },
    { name: "the-queue.2", url: "tcp://[::1]:4002", host: "::1", port: 4002, secure: false, trusts: false },
  ],
  ports: new Map([["server", 21_000]]),
  ca: { ca: "/tmp/ca.pem", bundle: "/tmp/bundle.pem" },
  worker: 2,
  run: 12,
  seed: 7,
  temporary: "/tmp/squall-x/2",
};

describe.runIf(platform === "linux")("a network of its own is refused", () => {
  const settings = (text: string): RunSettings => readRun(sourcesIn("/tmp", text));
  const OWN = `command: npm test\nproxies: { jobs: { upstream: "http://127.0.0.1:3000" } }\n`;
  it.each([
    ["to what is not started within", OWN, "there is no upstream that it starts"],
    ["to a system that runs outside", `${OWN}service: true\nupstream: node server.js\n`, "with service"],
    [
      "where the upstream is not within",
      `command: npm test\nupstream: node server.js\nproxies: { jobs: { upstream: "http://10.0.0.5:3000" } }\n`,
      'the upstream of the proxy "jobs", 10.0.0.5, is not within',
    ],
  ])("%s", (_why, text, words) => {
    expect(() => {
      checkIsolation(settings(text));
    }).toThrow(words);
  });
});

describe("what a program finds in its environment", () => {
  it("has where each proxy is, which run it is, and what the run file says, over the user's own", () => {
    expect(
      environmentOf({ PATH: "/bin", SQUALL_RUN: "old", A: "a" }, { A: "{url:jobs} {ca:bundle}" }, HERE),
    ).toEqual({
      PATH: "/bin",
      A: "http://127.0.0.1:4001 /tmp/bundle.pem",
      SQUALL_RUN: "000012",
      SQUALL_SEED: "7",
      SQUALL_WORKER: "2",
      TMPDIR: "/tmp/squall-x/2",
      SQUALL_URL_JOBS: "http://127.0.0.1:4001",
      SQUALL_HOST_JOBS: "127.0.0.1",
      SQUALL_PORT_JOBS: "4001",
      SQUALL_URL_THE_QUEUE_2: "tcp://[::1]:4002",
      SQUALL_HOST_THE_QUEUE_2: "::1",
      SQUALL_PORT_THE_QUEUE_2: "4002",
      SQUALL_PORT_SERVER: "21000",
      SQUALL_CA: "/tmp/ca.pem",
      SQUALL_CA_BUNDLE: "/tmp/bundle.pem",
      ...trustValues({ ca: "/tmp/ca.pem", bundle: "/tmp/bundle.pem" }),
    });
    expect(trustValues({ ca: "/tmp/ca.pem", bundle: "/tmp/bundle.pem" })).toMatchObject({
      NODE_EXTRA_CA_CERTS: "/tmp/ca.pem",
      SSL_CERT_FILE: "/tmp/bundle.pem",
    });
    expect(environmentOf({}, {}, { ...HERE, ca: null })).not.toHaveProperty("SSL_CERT_FILE");
  });

  it("and commands have in place of placeholders, all other braces being their own", () => {
    const line = "x {port:server} {host:jobs} ${HOME} {a,b} '{\"url\": 1}' {ca}";
    expect(filledCommand({ kind: "line", line }, HERE)).toEqual({
      kind: "line",
      line: "x 21000 127.0.0.1 ${HOME} {a,b} '{\"url\": 1}' /tmp/ca.pem",
    });
    expect(filledCommand({ kind: "words", words: ["{url:jobs}/a"] }, HERE)).toEqual({
      kind: "words",
      words: ["http://127.0.0.1:4001/a"],
    });
  });
});

describe("an upstream", () => {
  it.each([
    ["127.0.0.1", true],
    ["127.9.9.9", true],
    ["::1", true],
    ["10.1.2.3", true],
    ["172.16.0.1", true],
    ["172.32.0.1", false],
    ["192.168.1.1", true],
    ["169.254.3.4", true],
    ["fe80::1", true],
    ["fd00::1", true],
    ["::ffff:10.0.0.1", true],
    ["::ffff:8.8.8.8", false],
    ["8.8.8.8", false],
    ["100.64.0.1", false],
    ["2001:db8::1", false],
    ["2606:4700::1", false],
    ["0.0.0.0", true],
    ["nonsense", false],
  ] as const)("%s is near: %s", (address, near) => {
    expect(isNear(address)).toBe(near);
  });

  const proxiesAt = (upstream: string): Parameters<typeof checkReach>[0] =>
    readRun({
      file: null,
      flags: [{ key: "command", value: ["x"], flag: "--command" }],
      proxies: [{ name: "jobs", upstream }],
      config: null,
      env: {},
      cwd: "/",
    }).checked;
  const found =
    (...addresses: string[]) =>
    () =>
      Promise.resolve(addresses.map((address) => ({ address })));

  it.each([
    ["http://8.8.8.8", found(), /"jobs", 8\.8\.8\.8, is neither loopback nor a private address/u],
    [
      "https://api.example.com",
      found("10.0.0.1", "93.184.216.34"),
      /api\.example\.com \(93\.184\.216\.34\)/u,
    ],
    ["tcp://db.internal:1", () => Promise.reject(new Error("ENOTFOUND")), /cannot be resolved: ENOTFOUND/u],
  ])("such as %s is refused", async (upstream, lookUp, message) => {
    await expect(checkReach(proxiesAt(upstream), "--yes-really", lookUp)).rejects.toThrow(message);
  });

  it.each([
    ["http://db.internal", found("10.0.0.1", "fd00::2")],
    ["http://app.localhost:1", () => Promise.reject(new Error("nobody asks"))],
    ["dns://system", () => Promise.reject(new Error("nobody asks"))],
  ])("such as %s is taken", async (upstream, lookUp) => {
    await expect(checkReach(proxiesAt(upstream), "--yes-really", lookUp)).resolves.toBeUndefined();
  });
});
