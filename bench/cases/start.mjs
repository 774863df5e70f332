/** How long a start takes until its API accepts a connection: what a script that starts it and goes on has to wait for. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { atMost, row } from "../lib/claims.mjs";
import { freePort } from "../lib/processes.mjs";
import { toxiproxyServer } from "../contenders/toxiproxy.mjs";

const ROUNDS_MAX = 9;
const START_MS_MAX = 350;
const VERSION_MS_MAX = 120;

export const start = {
  name: "start",
  title: "From the command to a connection that its API accepts",
  async run(lab) {
    const main = join(lab.dist, "main.js");
    const node = process.execPath;
    const toxiproxy = toxiproxyServer();
    const served = await rounds(lab, (port) =>
      listening(node, [main, "serve", "--admin", `127.0.0.1:${port}`], port, lab),
    );
    const version = await rounds(lab, () => ended(node, [main, "--version"]));
    const bare = await rounds(lab, () => ended(node, ["-e", "0"]));
    const rows = [
      row("squall serve", "ms", served, "until a connection is accepted"),
      row("squall --version", "ms", version, "until it ends"),
      row("node -e 0", "ms", bare, "what Node itself takes"),
    ];
    const notes = [];
    if (toxiproxy === null) notes.push("left out: Toxiproxy, which is not here");
    else {
      const theirs = await rounds(lab, (port) =>
        listening(toxiproxy, ["-host", "127.0.0.1", "-port", String(port)], port, lab),
      );
      rows.push(row("Toxiproxy", "ms", theirs, "until a connection is accepted"));
    }
    return {
      rows,
      claims: [
        atMost("squall serve accepts connections", START_MS_MAX, "ms", served),
        atMost("squall --version", VERSION_MS_MAX, "ms", version),
      ],
      notes,
      chart: () => false,
    };
  },
};

async function rounds(lab, measure) {
  const times = [];
  for (let round = 0; round < Math.min(ROUNDS_MAX, lab.rounds); round++)
    times.push(await measure(await freePort()));
  return times;
}

async function listening(program, args, port, { folder }) {
  const since = performance.now();
  const child = spawn(program, args, { stdio: "ignore", cwd: folder });
  try {
    while (!(await accepts(port))) {
      if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
    }
    return performance.now() - since;
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    // A refusal comes at once: asking without a pause would take the processor that the start needs.
    socket.once("error", () => setTimeout(() => resolve(false), 1));
  });
}

async function ended(program, args) {
  const since = performance.now();
  await once(spawn(program, args, { stdio: "ignore" }), "exit");
  return performance.now() - since;
}
