/** `squall use`, `heal` and `status` with `--fleet`: what they ask for, what they print, and each mistake by the option that it was made with. */
import { hostname } from "node:os";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AdminLab } from "../../admin/admin-lab.js";
import { FleetStandIn, memberPresence } from "../../admin/fleet-stand-in.js";
import { commandHere } from "../../support/command-here.js";
import type { Said } from "../../support/process.js";

let here: AdminLab;
let fleet: FleetStandIn;

beforeEach(async () => {
  fleet = new FleetStandIn();
  here = await AdminLab.open({ fleet });
});
afterEach(async () => {
  await here.close();
});

const run = (...words: string[]): Promise<Said> =>
  commandHere([...words, "--admin", `http://127.0.0.1:${here.port}`], { env: { USER: "ci" } });

describe("squall use --fleet", () => {
  it("prints who has it and who has not, how to repeat it, and ends with 1 unless all have it", async () => {
    expect(await run("use", "slow", "--fleet", "--ttl", "30m", "--param", "by=1ms")).toEqual({
      code: 1,
      out: [
        "slow: 1 applied, 1 silent, 1 refused; plan 13, seed 7, ends in 30m",
        "  node-1  applied",
        "  node-2  silent: it has read no plan after 12",
        '  node-3  refused: no proxy "jobs"',
        `  the same again: squall use slow --param by=1ms --fleet --seed 7 --ttl 30m --admin http://127.0.0.1:${here.port}`,
        "",
      ].join("\n"),
      err: "squall: all of 3 daemons had to have it, and 1 applied, 1 silent, 1 refused; it stays on until 2026-03-01T14:33:07.120Z, or until squall heal --fleet\n",
    });
    expect(fleet.asked).toMatchObject({ how: "replace", by: `ci@${hostname()}`, why: null, orHeal: false });
  });

  it("says beside the table what will not be as one may think", async () => {
    // Bots choose their own names.
    fleet.warnings = ["lost: every goes by numbers, and bot\nwarning all is well came by several"];
    const words = ["use", "slow", "--fleet", "--ttl", "30m", "--require", "any"];
    expect(await run(...words)).toMatchObject({
      code: 0,
      err: "warning lost: every goes by numbers, and bot\\x0awarning all is well came by several\n",
    });
    const { code, out, err } = await run(...words, "--json");
    expect([code, err]).toEqual([0, ""]);
    expect(JSON.parse(out)).toMatchObject({ warnings: fleet.warnings });
  });

  it("asks for all that its options say", async () => {
    const words = [
      "--seed",
      "8",
      "--proxy",
      "jobs",
      "--observe",
      "--add",
      "--daemons",
      "node-*,b",
      "--daemons",
      "c",
    ];
    const more = ["--label", "zone=eu-1", "--label", "role=a=b", "--percent", "20%", "--starts-in", "2s"];
    const last = ["--require", "any", "--wait", "1s", "--or-heal", "--by", "ci", "--why", "nightly"];
    const { code, out } = await run("use", "slow", "--fleet", "--ttl", "1m", ...words, ...more, ...last);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^slow: 0 prepared, 1 applied, 1 silent, 1 refused; plan 13, seed 8, begins at 2026-03-01T14:03:09\.120Z, ends in 1m\n/u,
    );
    expect(out).toContain(
      "--fleet --daemons 'node-*,b' --daemons c --label zone=eu-1 --label role=a=b --percent 20% --starts-in 2s --require any --or-heal --seed 8 --ttl 1m",
    );
    expect(fleet.asked).toEqual({
      activations: [
        {
          profile: "slow",
          params: {},
          seed: 8,
          ttl: 60_000,
          proxies: ["jobs"],
          mode: "observe",
          targets: { daemons: ["node-*", "b", "c"], labels: { zone: "eu-1", role: "a=b" }, percent: 20 },
        },
      ],
      how: "add",
      startsIn: 2_000,
      require: "any",
      wait: 1_000,
      orHeal: true,
      by: "ci",
      why: "nightly",
    });
  });

  it("prints JSON with what repeats it", async () => {
    const { out } = await run("use", "slow", "--fleet", "--ttl", "1m", "--json");
    expect(JSON.parse(out)).toMatchObject({
      serial: 13,
      met: false,
      again: `squall use slow --fleet --seed 7 --ttl 1m --admin http://127.0.0.1:${here.port}`,
    });
  });

  it.each([
    [
      ["--ttl", "1m", "--on", "a"],
      2,
      "--fleet: the engine knows the daemons, so --on cannot stand beside it",
    ],
    [
      [],
      2,
      "--fleet: needs --ttl, such as --ttl 30m: many daemons must heal even when nobody is left to tell them",
    ],
    [["--ttl", "1"], 3, '--ttl: expected a duration such as 50ms, got "1"'],
    [["--ttl", "1m", "--wait", "1h"], 3, "--wait: must be at most 5m, got 1h"],
    [["--ttl", "1m", "--starts-in", "x"], 3, '--starts-in: expected a duration such as 50ms, got "x"'],
    [["--ttl", "1m", "--require", "most"], 3, '--require: expected all, quorum, any or none, got "most"'],
    [["--ttl", "1m", "--percent", "120"], 2, '--percent: expected a number from 0 to 100, got "120"'],
    [["--ttl", "1m", "--label", "zone"], 2, '--label: expected name=value, got "zone"'],
    [["--ttl", "1m", "--by", ""], 3, "--by: "],
  ])("tells a mistake once, by its option: %s", async (words, code, message) => {
    const { code: ended, err } = await run("use", "slow", "--fleet", ...words);
    expect(err).toContain(`squall: ${message}`);
    expect(err.trim().split("\n")).toHaveLength(1);
    expect(ended).toBe(code);
    expect(fleet.asked).toBeNull();
  });

  it("has options that mean nothing without it", async () => {
    for (const option of [
      "--daemons",
      "--label",
      "--percent",
      "--starts-in",
      "--require",
      "--wait",
      "--by",
      "--why",
    ])
      expect(await run("use", "slow", option, "x")).toEqual({
        code: 2,
        out: "",
        err: `squall: ${option}: needs --fleet\n`,
      });
    expect((await run("use", "slow", "--or-heal")).err).toBe("squall: --or-heal: needs --on or --fleet\n");
    expect((await run("heal", "--why", "x")).err).toBe("squall: --why: needs --fleet\n");
  });

  it("says what the engine says, and that there is no fleet", async () => {
    fleet.state = "conflict";
    expect(await run("use", "slow", "--fleet", "--ttl", "1m")).toEqual({
      code: 1,
      out: "",
      err: "squall: the engine is conflict (look at GET /fleet, and ask again)\n",
    });
    fleet.state = "away";
    expect((await run("use", "slow", "--fleet", "--ttl", "1m")).err).toContain(
      "nats://nats-1:4222 does not answer: the engine is away",
    );
    await here.close();
    here = await AdminLab.open();
    for (const words of [["use", "slow", "--ttl", "1m"], ["heal"], ["status"]]) {
      const { code, err } = await run(...words, "--fleet");
      expect([code, err]).toEqual([
        1,
        "squall: this daemon belongs to no fleet (fleet in squall.yaml says which engine it shares with others)\n",
      ]);
    }
  });
});

describe("squall heal --fleet", () => {
  it("heals all, or one, and tells who has not heard of it", async () => {
    await run("use", "slow", "--fleet", "--ttl", "1m", "--require", "none");
    await run("use", "restart", "--fleet", "--ttl", "1m", "--require", "none", "--add");
    const one = await run("heal", "slow", "--fleet", "--why", "over");
    expect(one.out).toBe(
      "slow: 2 healed, 1 silent; plan 14\n  node-1  healed\n  node-2  silent: it has read no plan after 12\n  node-3  healed\n  restart is still on\n",
    );
    expect(fleet.healed).toEqual({ by: `ci@${hostname()}`, why: "over", wait: 8_000, id: "slow" });
    const all = await run("heal", "--fleet", "--wait", "1s");
    expect([all.code, all.out.split("\n")[0]]).toEqual([0, "the fleet: 2 healed, 1 silent; plan 14"]);
    expect(fleet.healed?.id).toBeUndefined();
    expect((await run("heal", "--fleet", "--wait", "x")).err).toContain("--wait: expected a duration");
    expect((await run("heal", "--fleet", "--own")).code).toBe(2);
  });
});

describe("squall status", () => {
  it("--fleet has a row for each daemon", async () => {
    await run("use", "slow", "--fleet", "--ttl", "30m", "--require", "none");
    expect(await run("status", "--fleet")).toEqual({
      code: 0,
      err: "",
      out: [
        "fleet staging at nats://nats-1:4222, 3 daemons",
        "  plan 12 by ci@build-7 (nightly): slow (seed 7, ends in 30m)",
        "  daemon  state    plan  hits  ends in  heard      why",
        "  node-1  applied  12    40    30m      100ms ago",
        "  node-2  applied  12    40    30m      900ms ago",
        '  node-3  refused  12    40    30m      4.2s ago   no proxy "jobs"',
        "",
      ].join("\n"),
    });
    expect(JSON.parse((await run("status", "--fleet", "--json")).out)).toMatchObject({ name: "staging" });
  });

  it("--fleet has one row for each daemon, whatever a daemon says of itself", async () => {
    const why = "none\n  node-3  applied  12    40    30m      1s ago";
    fleet.others = [{ presence: memberPresence("node-2\nx", { state: "refused", why }), age: 900 }];
    const { out } = await run("status", "--fleet");
    expect(out.trimEnd().split("\n")).toHaveLength(5);
    expect(out).toContain(String.raw`none\x0a  node-3  applied`);
  });

  it("--fleet says what it knows without the engine, and ends with 1", async () => {
    fleet.state = "away";
    const { code, out, err } = await run("status", "--fleet");
    expect([code, err]).toEqual([
      1,
      "squall: nats://nats-1:4222 does not tell who is in the fleet: connect ECONNREFUSED\n",
    ]);
    expect(out).toContain("  node-1  applied  12    40");
  });

  it("without it has a line about how the daemon stands in its fleet", async () => {
    expect((await run("status")).out).toContain("node-1 of the fleet staging: plan 12, applied\n");
    fleet.problem = "permission denied";
    expect((await run("status")).out).toContain(
      "plan 12, applied; nats://nats-1:4222 refuses: permission denied\n",
    );
    fleet.state = "away";
    expect((await run("status")).out).toContain(
      "alone: node-1 of the fleet staging; nats://nats-1:4222 does not answer (connect ECONNREFUSED)\n",
    );
  });
});

describe("two daemons of one name", () => {
  const twice = "2 daemons go by the name node-2, so what is said of one may be true of another";

  it("have a row each in the table of the fleet, with a warning", async () => {
    fleet.others.push({ presence: memberPresence("node-2", { life: "life-2", serial: 11 }), age: 4_000 });
    const { code, out, err } = await run("status", "--fleet");
    expect([code, err]).toEqual([0, `warning ${twice}: give each a name of its own (fleet.daemon)\n`]);
    expect(out).toContain(", 4 daemons\n");
    expect(out).toMatch(
      /^ {2}node-1 +applied +12 .*\n {2}node-2 \(life-1\) +applied +12 .*\n {2}node-2 \(life-2\) +applied +11 /mu,
    );
    const { err: none, out: json } = await run("status", "--fleet", "--json");
    expect([none, (JSON.parse(json) as { warnings: string[] }).warnings]).toEqual([
      "",
      [expect.stringContaining(twice)],
    ]);
  });

  it("are warned of by what heals the fleet, and by the daemon itself", async () => {
    fleet.warnings = ["2 daemons go by the name node-2"];
    expect((await run("heal", "--fleet")).err).toBe("warning 2 daemons go by the name node-2\n");
    const { namesakes: _, ...other } = memberPresence("node-1", { life: "life-2" });
    fleet.namesakes = [{ ...other, age_ms: 5_000 }];
    const own = "warning 2 daemons go by the name node-1";
    expect((await run("status")).out).toContain(`: plan 12, applied\n  ${own}`);
    const ready = (await here.raw("GET", "/readyz", {})).json as { fleet?: string };
    expect(ready.fleet).toContain("plan 12, applied; 2 daemons go by the name node-1, ");
    fleet.state = "away";
    expect((await run("status", "--fleet")).err).toContain(own);
  });
});
