/** The benchmarks as they are run: a short one for real, and mistakes on the command line. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Report } from "../support/bench.js";
import { ROOT } from "../support/process.js";

const folder = mkdtempSync(join(tmpdir(), "squall-bench-test-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(ROOT, "bench/run.mjs"), ...args], {
      cwd: ROOT,
      env: { ...process.env, TOXIPROXY_SERVER: "", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [out, err] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    child.on("close", (code) => {
      resolve({ code, out, err });
    });
  });
}

describe("npm run bench", () => {
  it("lists what there is to measure, and with whom", async () => {
    const { code, out } = await run(["--list"]);
    expect(code).toBe(0);
    for (const word of ["accuracy-bandwidth", "burst", "Squall, HTTP", "pipe()"]) expect(out).toContain(word);
  });

  it("has a page that tells of each case", async () => {
    const { out } = await run(["--list"]);
    const cases = [...(out.split("\n\n")[0] ?? "").matchAll(/^ {2}(\S+) /gmu)].map(([, name = ""]) => name);
    expect(cases.length).toBeGreaterThan(15);
    const page = readFileSync(join(ROOT, "docs/benchmarks.md"), "utf8");
    const told = page.slice(0, page.indexOf("<!-- bench:begin -->"));
    expect(cases.filter((name) => !told.includes(`\`${name}\``))).toEqual([]);
  });

  it("says what is wrong with an option, and measures nothing", async () => {
    expect(await run(["--only", "smal"])).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringMatching(/^--only smal: there is no such case; there are small, /u) as string,
    });
    expect(await run(["--markdown", join(ROOT, "LICENSE")])).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringContaining("it has no <!-- bench:begin -->") as string,
    });
    expect(await run(["--list"], { TOXIPROXY_SERVER: "/no/such/program" })).toMatchObject({
      code: 2,
      err: "TOXIPROXY_SERVER: /no/such/program cannot be run\n",
    });
  });

  it("measures those that work, says who does not, and ends with 1 because of them", async () => {
    const file = join(folder, "run.json");
    const args = ["--only", "latency", "--quick", "--rounds", "2", "--seconds", "0.1", "--json", file];
    // A program that is there and is no Toxiproxy.
    const { code, out, err } = await run(args, { TOXIPROXY_SERVER: "/bin/false" });
    expect(code, err).toBe(1);
    expect(err).toContain("failed: latency: Toxiproxy, p50: /bin/false ended with code 1");
    expect(out).toMatch(/Toxiproxy, p99\.9 +failed: \/bin\/false ended with code 1/u);
    const report = JSON.parse(readFileSync(file, "utf8")) as Report;
    const [latency] = report.cases;
    const row = (name: string) => latency!.rows.find((one) => one.name === name);
    for (const who of ["direct", "Squall", "Squall, five faults", "pipe()"]) {
      const [p50, p99] = [row(`${who}, p50`), row(`${who}, p99`)];
      expect(p50!.values, who).toHaveLength(2);
      expect(p50!.median!, who).toBeGreaterThan(0);
      expect(p99!.median!, who).toBeGreaterThanOrEqual(p50!.median!);
    }
    expect(latency!.rounds["Squall"]).toHaveLength(2);
    expect(latency!.rounds["Toxiproxy"]).toEqual([]);
    expect(report.versions["squall"]).toMatch(/^\d+\.\d+\.\d+/u);
    expect(report.options).toMatchObject({ rounds: 2, seconds: 0.1 });
  });
});
