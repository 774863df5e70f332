/** `squall journal --fleet`: what it prints of a fleet's journal, and that it goes on over breaks without saying anything twice. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FleetPrinter, gapText } from "../../../src/cli/fleet/journal.js";
import type { FleetLine } from "../../../src/fleet/contract/journal.js";
import { HOLD } from "../../../src/fleet/journal/merged.js";
import type { AdminLab } from "../../admin/admin-lab.js";
import { fleetJournalLab } from "../../admin/fleet-journal-lab.js";
import { batch, entry } from "../../fleet/journal/batch.js";
import type { KeptStream } from "../../fleet/journal/kept-stream.js";
import { commandHere } from "../../support/command-here.js";

let here: AdminLab;
let engine: KeptStream;

beforeEach(async () => {
  ({ here, engine } = await fleetJournalLab());
});
afterEach(async () => {
  await here.close();
});

const admin = (): string => `http://127.0.0.1:${here.port}`;
const plain = (text: string): string => text.replace(/\d\d:\d\d:\d\d\.\d{3}/gu, "TIME");

async function run(...words: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const { code, out, err } = await commandHere(["journal", "--admin", admin(), ...words]);
  return { code, out: plain(out), err };
}

describe("the journal of a fleet", () => {
  it("has a column for the daemon, and lines for what is missing", async () => {
    await engine.append(batch("node-1", [[1, 0]]));
    await engine.append(batch("node-7", [[1_261, 10]], { after: 1_260, lost: 57 }));
    await engine.append(batch("node-7", [[1_263, 20]]));
    expect(await run("--fleet")).toEqual({
      code: 0,
      out: [
        "node-1       1  TIME  mark     entry 1",
        "node-7          TIME  gap      1-1,203 missing: they are older than what the engine keeps",
        "node-7          TIME  gap      1,204-1,260 missing: the daemon gave them up, since the engine was away or there were too many",
        "node-7    1261  TIME  mark     entry 1261",
        "node-7          TIME  gap      1,262 missing",
        "node-7    1263  TIME  mark     entry 1263",
        "",
      ].join("\n"),
      err: "",
    });
  });

  it("finds as it is asked, and says where nothing was found", async () => {
    await engine.append(
      batch("node-1", [
        [1, 0],
        [2, 0],
      ]),
    );
    await engine.append(batch("node-2", [[1, 0]]));
    expect((await run("--fleet", "--daemon", "node-1", "--limit", "1")).out).toMatch(/^node-1 +2 .*\n$/u);
    expect(await run("--fleet", "--kind", "hit")).toEqual({
      code: 0,
      out: "",
      err: "squall: no entry matches --kind fault_hit\n",
    });
    expect((await run("--fleet", "--json")).out.trim().split("\n")).toHaveLength(3);
  });

  it("is empty where nobody has written anything", async () => {
    expect((await run("--fleet")).err).toBe("squall: the journal of the fleet is empty\n");
  });

  it.each([
    [["--fleet", "--since", "3"], 2, "--since: each daemon numbers its own entries"],
    [["--fleet", "--on", "a"], 2, "--on: names daemons, and --fleet means all of a fleet"],
    [["--daemon", "a"], 2, "--daemon: one of a fleet is meant"],
    [["--fleet", "--path", "no"], 3, "--path"],
  ])("refuses %s", async (words, code, text) => {
    const said = await run(...words);
    expect(said.err).toContain(text);
    expect(said.code).toBe(code);
  });

  it("says that there is no engine, or no fleet", async () => {
    engine.cut();
    const away = await run("--fleet");
    expect(away.code).toBe(1);
    expect(away.err).toContain("does not answer");
  });

  it("goes on over breaks of the engine, and says each thing once", async () => {
    await engine.append(batch("node-1", [[1, 0]]));
    let stop: (why: "SIGINT") => void = () => undefined;
    const stopped = new Promise<"SIGINT">((resolve) => (stop = resolve));
    let out = "";
    let err = "";
    const command = commandHere(["journal", "--fleet", "--follow", "--admin", admin()], {
      stopped,
      out: (text: string) => void (out += text),
      err: (text: string) => void (err += text),
    });
    const until = async (done: () => boolean): Promise<void> => {
      while (!done()) {
        await new Promise((resolve) => setImmediate(resolve));
        if (engine.tails > 1) here.clock.advance(HOLD / 10);
      }
    };
    await until(() => engine.tails > 1);
    await engine.append(batch("node-2", [[1, 10]]));
    await until(() => out.includes("node-2"));
    engine.cut();
    await until(() => err.includes("is away"));
    engine.mend();
    await engine.append(batch("node-1", [[1, 0]]));
    await engine.append(batch("node-1", [[2, 5]]));
    await until(() => out.includes("entry 2"));
    stop("SIGINT");
    expect((await command).code).toBe(0);
    expect(plain(out)).toBe(
      [
        "node-1       1  TIME  mark     entry 1",
        "node-2       1  TIME  mark     entry 1",
        "node-1       2  TIME  mark     entry 2  (late)",
        "",
      ].join("\n"),
    );
    expect(plain(err)).toMatch(
      /^squall: TIME memory:\/\/fleet is away: .* \(the connection was lost\)\nsquall: TIME memory:\/\/fleet is back, after \S+: .*\n$/u,
    );
  });
});

it("tells two that go by one name apart, and one that was started anew from both", async () => {
  const [first, second] = [{ life: "life-1" }, { life: "life-2" }];
  await engine.append(batch("node-1", [[1, 0]], first));
  await engine.append(batch("node-1", [[1, 10]], second));
  await engine.append(batch("node-1", [[2, 20]], first));
  await engine.append(batch("node-1", [[2, 30]], second));
  await engine.append(batch("node-2", [[1, 40]], first));
  expect(await run("--fleet")).toEqual({
    code: 0,
    out: [
      "node-1       1  TIME  mark     entry 1",
      "node-1       1  TIME  mark     entry 1",
      "node-1 (life-1)       2  TIME  mark     entry 2",
      "node-1 (life-2)       2  TIME  mark     entry 2",
      "node-2                1  TIME  mark     entry 1",
      "",
    ].join("\n"),
    err:
      "squall: node-1 was started anew: its numbers begin again\n" +
      "squall: several daemons go by the name node-1, each with numbers of its own: their lives are shown from here on\n",
  });
});

describe("a line", () => {
  const printed = (...lines: FleetLine[]): { out: string; err: string } => shownAs(false, lines);
  function shownAs(json: boolean, lines: FleetLine[]): { out: string; err: string } {
    let out = "";
    let err = "";
    const io = {
      out: (text: string) => void (out += text),
      err: (text: string) => void (err += text),
      colours: { bold: String, dim: String, yellow: String, green: String },
    };
    const printer = new FleetPrinter(io as never, json);
    for (const line of lines) printer.print(line);
    return { out: plain(out), err };
  }
  const line = (daemon: string, seq: number, life = "a"): FleetLine => ({
    daemon,
    life,
    engine_time: null,
    ...entry(seq, 0),
  });

  it("is printed once, and anew in another life of its daemon", () => {
    const { out, err } = printed(
      ...[line("n", 1), line("n", 1), line("n", 2), line("n", 1, "b"), line("n", 2), line("n", 2, "b")],
    );
    expect(out.match(/entry/gu)).toHaveLength(4);
    expect(err).toBe("squall: n was started anew: its numbers begin again\n");
  });

  it.each([false, true])("says of the engine once that it is away, beside the lines (JSON: %s)", (json) => {
    const note = (kind: "away" | "back"): FleetLine => ({ seq: 0, time: "", kind, text: `it is ${kind}` });
    const { out, err } = shownAs(json, [
      ...[line("n", 1), note("away"), note("away"), note("back"), line("n", 2), note("away")],
    ]);
    expect(err).toBe("squall: it is away\nsquall: it is back\nsquall: it is away\n");
    expect(out.trim().split("\n")).toHaveLength(2);
    expect(out).not.toContain("it is");
  });

  it("does nothing to a terminal, whatever its daemon calls itself or the engine says", () => {
    const name = `\u001b[2J\u202e${"x".repeat(300)}`;
    const text = "\u001b]0;title\u0007";
    const { out, err } = printed(line(name, 1), { seq: 0, time: "", kind: "away", text });
    expect(out + err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/u);
    expect(out.length).toBeLessThan(100);
  });

  it("counts what is missing", () => {
    const gap = { daemon: "n", life: "a", engine_time: null, seq: 0, time: "", kind: "gap" } as const;
    expect(gapText({ ...gap, from: 4, to: 4, why: "missing" })).toBe("4 missing");
    expect(gapText({ ...gap, from: 1_204, to: 1_260, why: "missing" })).toBe("1,204-1,260 missing");
    expect(gapText({ ...gap, from: 1, to: 2, why: "of another version" as never })).toBe("1-2 missing");
  });
});
