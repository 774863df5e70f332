/** The golden lines of docs/determinism.md are what `squall draws` says, and what a proxy does. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { admissionDraw, drawKey } from "../../src/core/random.js";
import { commandHere } from "../support/command-here.js";
import { HttpLab, get, ok } from "../support/http-lab.js";
import { fault } from "../support/lab.js";
import { ROOT } from "../support/process.js";

const PAGE = readFileSync(join(ROOT, "docs/determinism.md"), "utf8");
const GOLDEN = [...PAGE.matchAll(/```sh\nsquall (draws [^\n]+)\n```\n\n```text\n([^`]+)```/gu)].map(
  ([, command = "", lines = ""]) => ({ command, lines }),
);

describe("squall draws", () => {
  it.each(GOLDEN)("says what the page says: $command", async ({ command, lines }) => {
    expect(await commandHere(command.split(" "))).toEqual({ code: 0, out: lines, err: "" });
  });

  it("is told on the page in several ways", () => {
    expect(GOLDEN.length).toBeGreaterThanOrEqual(4);
  });

  it("refuses what has no meaning", async () => {
    const common = ["draws", "--seed", "1", "--activation", "a", "--fault", "f", "--proxy", "p"];
    for (const [more, words] of [
      [["--pass", "1"], "outside of phases"],
      [["--phase", "x", "--pass", "0"], "counted from 1"],
      [["--lane", "x"], "expected admission"],
      [["--probability", "3"], "a share such as 30%"],
      [["--count", "-1"], "a whole number"],
      [["--key", "x"], "--key: say what it is with --by"],
      [["--by", "cookie", "--key", "x"], "expected header:NAME, path, body or name"],
      [["--by", "path"], "either --key or --key-hash"],
      [["--by", "path", "--key", ""], "drawn by its number"],
      [["--by", "path", "--key-hash", "x"], "expected 16 hexadecimal digits"],
    ] as const) {
      const { code, err } = await commandHere([...common, ...more]);
      expect([code, err]).toEqual([2, expect.stringContaining(words)]);
    }
  });
});

describe("a proxy", () => {
  let lab: HttpLab;
  afterEach(() => lab.close());

  it("hits the requests that the rule says, of bots of any name and in each pass of a phase", async () => {
    lab = new HttpLab();
    const server = await lab.scripted(() => ok("fine"));
    const proxy = await lab.http(server.port, { identify: [{ by: "header", name: "x-bot-id" }] });
    const busy = fault("http_status", { status: 503 }, { name: "busy", when: { probability: 0.4 } });
    const greek = fault("http_headers", { set: { "X-Hit": "1" } }, { name: "named", match: [{ bot: ["bot-ä"], header: { "x-tier": ["größer"] } }] });
    lab.use([greek], { seed: 7, phases: [{ phase: "crash", for: null, faults: [busy] }] });
    const latin1 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
    for (const bot of ["bot-1", "bot-ä"]) {
      const key = drawKey({ seed: 7, activation: "test", phase: "crash", pass: 0, fault: "busy", proxy: "jobs", bot });
      for (let n = 0; n < 30; n++) {
        const fields = [`X-Bot-Id: ${latin1(bot)}`, `X-Tier: ${latin1("größer")}`];
        const { head } = await lab.ask(proxy, Buffer.from(get("/jobs", fields), "latin1"));
        const hit = admissionDraw(key, n) < 0.4;
        expect(head.includes(" 503 ")).toBe(hit);
        if (!hit) expect(head.includes("X-Hit")).toBe(bot === "bot-ä");
      }
    }
    expect(new Set(lab.facts.of("fault_hit").map(({ bot }) => bot))).toEqual(new Set(["bot-1", "bot-ä"]));
  });
});
