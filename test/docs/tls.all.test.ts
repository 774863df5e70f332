/** The first screen of docs/tls.md, typed by somebody in a folder of their own: a bot over HTTPS in five lines. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { freePort } from "../support/free-port.js";
import { MAIN, ROOT, Workshop } from "../support/process.js";

const shop = new Workshop();
const server = createServer((_request, response) => response.end("jobs\n"));
afterAll(async () => {
  server.close();
  await shop.close();
});

const page = readFileSync(join(ROOT, "docs/tls.md"), "utf8");
const screen = page.slice(page.indexOf("## A bot over HTTPS"), page.indexOf("## How clients are spoken to"));
const block = (language: string): string =>
  new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, "u").exec(screen)?.[1] ?? "";

it("gets a bot through", async () => {
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port: upstream } = server.address() as AddressInfo;
  const [admin, jobs] = [await freePort(), await freePort()];
  const here = (text: string): string =>
    text
      .replaceAll("8443", String(jobs))
      .replaceAll("https://job-server.example", `http://127.0.0.1:${upstream}`)
      .replaceAll(/(^|\()squall /gmu, `$1"${process.execPath}" "${MAIN}" `);
  shop.file("squall.yaml", `admin: { listen: 127.0.0.1:${admin} }\n${here(block("yaml"))}`);
  const [serve = "", ...rest] = here(block("sh")).trim().split("\n");
  expect(serve).toContain(" serve &");
  const daemon = shop.start(["serve", "--log-format", "json"]);
  await daemon.printed(/"admin":"(http:[^"]+)"/u);
  const shell = spawn("bash", ["-e", "-c", rest.join("\n")], {
    cwd: shop.folder,
    env: { ...process.env, SQUALL_ADMIN: `http://127.0.0.1:${admin}` },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  shell.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise((closed) => shell.once("close", closed));
  expect([code, said]).toEqual([0, "jobs\n"]);
});
