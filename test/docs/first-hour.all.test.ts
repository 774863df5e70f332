/** Whoever follows docs/first-hour.md sees what it says: its files are written and its commands run, in order, on free ports. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { freePort } from "../support/free-port.js";
import { MAIN, ROOT, Workshop } from "../support/process.js";
import { INSTALLS, steps } from "./first-hour-page.js";

let shop: Workshop;
let server: ChildProcess | undefined;
/** The page's ports, and those of this run. */
const ports = new Map<string, string>();
beforeAll(async () => {
  shop = new Workshop();
  for (const port of ["3000", "8080", "8474"]) ports.set(port, String(await freePort()));
});
afterAll(async () => {
  server?.kill("SIGKILL");
  await shop.close();
});

const here = (text: string): string => text.replaceAll(/:(3000|8080|8474)\b|(?<=listen\()3000\b/gu, moved);
const moved = (port: string): string => port.replace(/\d+/u, (digits) => ports.get(digits) ?? digits);
/** Numbers, times and the lengths of them are this run's. */
const shape = (line: string): string => line.replaceAll(/\d+:\d+:\d+\.\d+|\d+(?:\.\d+)? ms|^ *\d+ /gu, "N");

function node(words: readonly string[], env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, words, { cwd: shop.folder, env: { ...process.env, ...env } });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("close", (code) => {
      resolve({ code, output });
    });
  });
}

/** Until somebody listens there. */
async function answers(port: string | undefined): Promise<void> {
  const url = `http://127.0.0.1:${port ?? ""}/`;
  while (!(await fetch(url).then((response) => response.text(), () => null)));
}

async function noticed(url: string): Promise<void> {
  while ((await fetch(url)).status !== 200);
}

it("Squall is installed as the page says, beside a project of one's own", () => {
  const typed = steps().flatMap((step) =>
    step.kind === "command" && INSTALLS.test(step.command) ? [step.command] : [],
  );
  expect(typed[0]).toBe("cd squall && npm ci && npm link && cd ..");
  const folder = join(shop.folder, "beside");
  mkdirSync(folder);
  // The clone is there, and built; what would build it again is left out, as other tests are using it.
  symlinkSync(ROOT, join(folder, "squall"));
  const lines = typed.join("\n").replace("npm ci && npm link", "npm link --ignore-scripts --no-audit --no-fund");
  const prefix = join(folder, "global");
  const env = { ...process.env, npm_config_prefix: prefix, PATH: `${prefix}/bin:${process.env["PATH"] ?? ""}` };
  const said = execFileSync("bash", ["-ec", lines], { cwd: folder, env, encoding: "utf8" });
  expect(said).toMatch(/^\d+\.\d+\.\d+$/mu);
});

it("the first hour goes as the page says", async () => {
  const admin = `127.0.0.1:${ports.get("8474") ?? ""}`;
  const env = { SQUALL_ADMIN: admin, SQUALL__ADMIN__LISTEN: admin };
  let printed = "";
  let since = "";
  for (const step of steps()) {
    if (step.kind === "file") {
      mkdirSync(dirname(join(shop.folder, step.name)), { recursive: true });
      writeFileSync(join(shop.folder, step.name), here(step.text));
      // The page says that a running daemon notices it.
      const [, profile] = /^profile: (\S+)$/mu.exec(step.text) ?? [];
      if (profile !== undefined) await noticed(`http://${admin}/profiles/${profile}`);
    } else if (step.kind === "printed") {
      const lines = since.split("\n").map(shape);
      for (const line of step.lines) expect(lines, `after:\n${since}`).toContain(shape(line));
      printed = "";
    } else if (step.command === "node server.mjs &") {
      server = spawn(process.execPath, ["server.mjs"], { cwd: shop.folder, stdio: "ignore" });
      await answers(ports.get("3000"));
    } else if (step.command === "squall serve") {
      await shop.start(["serve", "--log-format", "json"], { env }).printed(/is ready/u);
    } else if (!INSTALLS.test(step.command)) {
      const [program, ...words] = step.command.split(" ");
      const { code, output } = await node(program === "squall" ? [MAIN, ...words] : words, env);
      expect(code, `${step.command}\n${output}`).toBe(0);
      printed += output;
      since = printed;
    }
  }
  expect(since).toContain("server-crash  off (healed)");
});
