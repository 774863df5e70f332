/**
 * What is the same on both: tests of it run against Squall and, where TOXIPROXY_SERVER names the program, against a real
 * Toxiproxy 2.12 as the control. So a test cannot ask more of Squall than Toxiproxy itself does.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { freePort } from "../support/free-port.js";
import { CompatLab } from "./compat-lab.js";

export interface Contender {
  readonly name: "squall" | "toxiproxy";
  open(): Promise<CompatLab>;
}

const squall: Contender = { name: "squall", open: () => CompatLab.open({ seed: 7 }) };

export function contenders(program = process.env["TOXIPROXY_SERVER"] ?? ""): readonly Contender[] {
  return program === "" ? [squall] : [squall, { name: "toxiproxy", open: () => started(program) }];
}

async function started(program: string): Promise<CompatLab> {
  const port = await freePort();
  const child = spawn(program, ["-host", "127.0.0.1", "-port", String(port)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stderr.resume();
  // It says so before it listens, and listens a moment later.
  await once(child.stdout, "data");
  child.stdout.resume();
  const url = `http://127.0.0.1:${port}`;
  const lab = CompatLab.at(url);
  lab.lab.onEnd(() => child.kill("SIGKILL"));
  while (!(await listens(url))) await new Promise((resolve) => setImmediate(resolve));
  return lab;
}

async function listens(url: string): Promise<boolean> {
  return fetch(`${url}/version`).then(
    (answer) => answer.ok,
    () => false,
  );
}
