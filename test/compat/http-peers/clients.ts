/** The clients of the matrix, each as a program of its own. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { BODY, REUSED, type Outcome, type Resources } from "./scenarios.js";
import { has, peer, pythonWith } from "./servers.js";

export interface Played {
  readonly outcomes: readonly Outcome[];
  /** How many connections `REUSED` requests in a row went over, as the server tells them apart. */
  readonly connections: number;
}

export interface Client {
  readonly name: string;
  readonly missing: string | null;
  /** How many connections it may need for requests one after the other. */
  readonly connections: number;
  play(base: string, resources: Resources, folder: string): Promise<Played>;
}

const run = promisify(execFile);
const OUTPUT_MAX_BYTES = 2 ** 26;

function program(command: string, file: string, kind: string): Client["play"] {
  return async (base, resources, folder) => {
    const body = join(folder, "body-to-send");
    writeFileSync(body, BODY);
    const args = [peer(file), kind, base, JSON.stringify(resources), body, String(REUSED)];
    const { stdout } = await run(command, args, { maxBuffer: OUTPUT_MAX_BYTES });
    return JSON.parse(stdout) as Played;
  };
}

const python = pythonWith("requests", "urllib3");

export const CLIENTS: readonly Client[] = [
  { name: "curl", missing: has("curl") ? null : "curl", connections: 1, play: curl },
  // undici dials again where the last answer is not yet put away: once on Node 20, more often on later ones.
  {
    name: "fetch of Node",
    missing: null,
    connections: Infinity,
    play: program(process.execPath, "client.mjs", "fetch"),
  },
  {
    name: "node:http with an agent",
    missing: null,
    connections: 1,
    play: program(process.execPath, "client.mjs", "agent"),
  },
  { name: "axios", missing: null, connections: 1, play: program(process.execPath, "client.mjs", "axios") },
  {
    name: "requests of Python",
    missing: python === null ? "python3 with requests" : null,
    connections: 1,
    play: program(python ?? "python3", "client.py", "requests"),
  },
  {
    name: "urllib3 of Python",
    missing: python === null ? "python3 with urllib3" : null,
    connections: 1,
    play: program(python ?? "python3", "client.py", "urllib3"),
  },
];

async function curl(base: string, resources: Resources, folder: string): Promise<Played> {
  const outcomes: Outcome[] = [];
  const sent = join(folder, "sent");
  writeFileSync(sent, BODY);
  const play = async (scenario: string, path: string, ...args: readonly string[]): Promise<void> => {
    const [head, body] = [join(folder, "head"), join(folder, "body")];
    writeFileSync(body, "");
    await run("curl", ["-s", "--noproxy", "*", "-D", head, "-o", body, ...args, `${base}${path}`]);
    const answers = readFileSync(head, "latin1").trimEnd().split("\r\n\r\n");
    const lines = (answers.at(-1) ?? "").split("\r\n");
    const bytes = args.includes("-I") ? Buffer.alloc(0) : readFileSync(body);
    outcomes.push({
      scenario: `${scenario}: ${answers.map((answer) => answer.split("\r\n")[0]).join(", ")}`,
      status: Number(lines[0]?.split(" ")[1]),
      headers: lines.slice(1).map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
      length: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
    });
  };
  const upload = ["--data-binary", `@${sent}`];
  await play("GET", resources.get);
  await play("POST with a body", resources.post, ...upload);
  await play("POST that waits for 100", resources.post, ...upload, "-H", "Expect: 100-continue");
  await play("chunked upload", resources.post, ...upload, "-H", "Transfer-Encoding: chunked");
  await play("HEAD", resources.head, "-I");
  await play("404", "/missing");
  await play("HTTP/1.0", resources.get, "-0");
  await play("large download", resources.large);
  await play("redirect", resources.redirect);
  await play("redirect that is followed", resources.redirect, "-L");
  const again = Array.from({ length: REUSED }, () => ["-o", "/dev/null", `${base}${resources.get}`]).flat();
  const { stdout } = await run("curl", ["-s", "--noproxy", "*", "-w", "%{num_connects}\n", ...again]);
  const connections = stdout
    .trim()
    .split("\n")
    .reduce((sum, line) => sum + Number(line), 0);
  return { outcomes, connections };
}
