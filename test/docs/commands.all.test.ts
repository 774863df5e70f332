/** The commands of README and docs do what they say: each `sh` block is run, line by line, against a real daemon. */
import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MAIN, Workshop } from "../support/process.js";
import { SHOWN } from "./shell-blocks.js";

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
    .replaceAll(/(^|\| ?|\$\()(?:npx )?squall /gu, `$1"${process.execPath}" "${MAIN}" `);
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
const ELSEWHERE = /^nats-server|--fleet|^npm (?:ci|start|test|run|pack|i|link)\b|^npx (?:vitest|--)|^git clone\b|^docker (?:build|run)\b|squall serve|squall demo|--follow|\/events|timeout=|squall (?:bot|mock-server|sweep|sites|replay|shrink|hunt)|localhost:8443/u;

describe("the docs", () => {
  it("have commands", () => {
    expect(SHOWN.length).toBeGreaterThan(10);
  });

  for (const { page, command } of SHOWN.filter(({ command: text }) => !ELSEWHERE.test(text))) {
    it(`${page}: ${command}`, async () => {
      const { code, output } = await run(command);
      expect(output).not.toMatch(/"code":"SQ_/u);
      expect(output).not.toContain("command not found");
      expect(code, output).toBe(0);
    });
  }
});
