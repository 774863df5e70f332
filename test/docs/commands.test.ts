/** The commands of README and docs do what they say: each `sh` block is run, line by line, against a real daemon. */
import { execFileSync, spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MAIN, ROOT, Workshop } from "../support/process.js";

/** The pages of the admin API have a test of their own, which compares the answers as well. */
const ELSEWHERE_RUN = ["docs/admin-api.md", "docs/errors.md"];
const PAGES = ["README.md", ...readdirSync(join(ROOT, "docs")).map((file) => `docs/${file}`)].filter(
  (file) => file.endsWith(".md") && !ELSEWHERE_RUN.includes(file),
);

/** The lines that a reader would type, without comments; a backslash at the end goes on in the next line. */
function commandsOf(page: string): string[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  return [...text.matchAll(/```sh\n([\s\S]*?)```/gu)]
    .flatMap(([, block = ""]) => block.replace(/\\\n\s*/gu, " ").split("\n"))
    .map((line) => line.replace(/\s+#.*$/u, "").replace(/^\$ /u, "").trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

let shop: Workshop;
let admin: string;
let mock: string;

beforeAll(async () => {
  shop = new Workshop();
  const daemon = await shop.daemon({
    proxies: { jobs: { listen: "127.0.0.1:0", upstream: "http://127.0.0.1:9" } },
  });
  admin = daemon.admin;
  // The job server of docs/mock-server.md, and a bot to do the jobs.
  const server = shop.start(["mock-server", "--port", "0", "--json"]);
  [, mock = ""] = await server.printed(/"url":"([^"]+)"/u);
  shop.start(["bot", "--server", mock, "--work-time", "10ms"]);
});

afterAll(() => shop.close());

/** As the reader's shell would, with the test's daemon in place of the one on the standard port. */
function run(command: string): Promise<{ code: number | null; output: string }> {
  const line = command
    .replaceAll(/(?:http:\/\/)?(?:localhost|127\.0\.0\.1):8474/gu, admin)
    .replaceAll(/(?:http:\/\/)?localhost:3000/gu, mock)
    .replaceAll(/(^|\| ?)(?:npx )?squall /gu, `$1"${process.execPath}" "${MAIN}" `);
  return new Promise((resolve) => {
    const child = spawn("bash", ["-c", line], {
      cwd: shop.folder,
      env: { ...process.env, SQUALL_ADMIN: admin },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("close", (code) => {
      resolve({ code, output });
    });
  });
}

/** These need a port, a terminal or a network of their own; other tests run them. */
const ELSEWHERE = /^npm (?:ci|start|test|run)\b|squall serve|squall demo|--follow|\/events|timeout=|squall (?:bot|mock-server)/u;

describe("the docs", () => {
  const seen = PAGES.flatMap((page) => commandsOf(page).map((command) => ({ page, command })));

  it("have commands", () => {
    expect(seen.length).toBeGreaterThan(10);
  });

  for (const { page, command } of seen.filter(({ command: text }) => !ELSEWHERE.test(text))) {
    it(`${page}: ${command}`, async () => {
      const { code, output } = await run(command);
      expect(output).not.toMatch(/"code":"SQ_/u);
      expect(code, output).toBe(0);
    });
  }

  it("name only npm scripts that exist", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: Record<string, string> };
    for (const { command } of seen) {
      for (const [, name = ""] of command.matchAll(/npm run (?:--silent )?([\w-]+)/gu)) expect(scripts).toHaveProperty(name);
    }
  });

  it("name only subcommands and options that exist", () => {
    const help = execFileSync(process.execPath, [MAIN, "--help"]).toString();
    for (const [, name = ""] of readFileSync(join(ROOT, "docs/cli.md"), "utf8").matchAll(/`squall ([a-z-]+)/gu)) {
      expect(help).toMatch(new RegExp(`^  ${name}\\b`, "mu"));
    }
  });
});
