/** The first screen of docs/fleet.md, typed by somebody in a folder of their own: three daemons, a NATS server, and one switch. */
import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { freePort } from "../support/free-port.js";
import { natsVersion } from "../support/nats-server.js";
import { MAIN, ROOT, Workshop } from "../support/process.js";

const missing = natsVersion() === null;
const shop = new Workshop();
/** Ends with all that it has started, also where the test does not get to its end. */
let shell: ChildProcess | null = null;
afterAll(async () => {
  shell?.kill();
  await shop.close();
});

const page = readFileSync(join(ROOT, "docs/fleet.md"), "utf8");
const screen = page.slice(0, page.indexOf("## How it works"));
const blocks = [...screen.matchAll(/```(sh|text)\n([^]*?)```/gu)].map(([, , text = ""]) => text);

describe.skipIf(missing)(`docs/fleet.md${missing ? " (needs: nats-server)" : ""}`, () => {
  it("has three daemons under one switch in six lines", async () => {
    const [start = "", use = "", answer = ""] = blocks;
    expect(`${start}${use}`.trim().split("\n")).toHaveLength(6);
    const [nats, ...admins] = [await freePort(), await freePort(), await freePort(), await freePort()];
    const here = (text: string): string =>
      text
        .replaceAll("4222", String(nats))
        .replace("-sd ./nats", `-sd ./nats -p ${nats}`)
        .replaceAll("127.0.0.1:848$n", "127.0.0.1:$(eval echo \\$port$n)")
        .replaceAll("8481", String(admins[0]))
        .replaceAll(/(^|; | )squall (?=serve|use|status)/gmu, `$1"${process.execPath}" "${MAIN}" `);
    const ports = admins.map((port, index) => `port${index + 1}=${port}`).join("\n");
    const ready = `for p in ${admins.join(" ")}; do for i in $(seq 300); do curl -sf http://127.0.0.1:$p/readyz >/dev/null && break; sleep 0.2; done; done\n`;
    const script = `trap 'kill $(jobs -p); wait' EXIT\n${ports}\n${here(start)}${ready}\n${here(use)}`;
    const reader = spawn("bash", ["-e", "-c", script], {
      cwd: shop.folder,
      env: { PATH: process.env["PATH"] ?? "", HOME: shop.folder, USER: "ci" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    shell = reader;
    let said = "";
    reader.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const code = await new Promise((closed) => reader.once("close", closed));
    const plain = (text: string): readonly string[] =>
      text
        .replaceAll(/\d+/gu, "N")
        .replaceAll(/ci@[^\s:]+/gu, "ci")
        .replaceAll(/N(m|s|ms)(N(s|ms))?\b|N\.Ns|N+(?=\s)/gu, "N")
        .split("\n")
        .map((line) => line.trim().replaceAll(/\s+/gu, " "))
        .filter((line) => line !== "" && !line.startsWith("{"));
    expect([code, plain(said)]).toEqual([0, plain(answer)]);
  });
});
