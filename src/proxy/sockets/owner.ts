/** Who has a port that cannot be had, as far as Linux tells: for the message to whoever wants it. */
import { readdir, readFile, readlink } from "node:fs/promises";
import type { Millis } from "../../core/clock.js";

interface Taken {
  readonly inode: string;
  readonly state: string;
}

const LISTENING = "0A";
const PATIENCE: Millis = 250;

/**
 * Such as `process 4711 (python3) listens there`; null if nothing can be said. Takes some milliseconds, and on a machine
 * with very many processes no longer than `patience`: whoever waits for a port waits for this, too.
 */
export async function ownerOf(
  network: "tcp" | "udp",
  port: number,
  patience: Millis = PATIENCE,
): Promise<string | null> {
  const rows = (await Promise.all([network, `${network}6`].map((table) => takenIn(table, port)))).flat();
  const listening = rows.find(({ state }) => network === "udp" || state === LISTENING);
  const row = listening ?? rows.find(({ inode }) => inode !== "0") ?? rows[0];
  if (row === undefined) return null;
  // A connection that has ended is nobody's any more.
  if (row.inode === "0") return "a connection that has just ended keeps it for a minute (TIME_WAIT)";
  const who = (await processOf(row.inode, performance.now() + patience)) ?? "another process";
  return listening === undefined ? `a connection of ${who} has it` : `${who} listens there`;
}

async function takenIn(table: string, port: number): Promise<Taken[]> {
  const text = await readFile(`/proc/net/${table}`, "utf8").catch(() => "");
  const number = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return text
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/u))
    .filter(([, local = ""]) => local.endsWith(number))
    .map(([, , , state = "", , , , , , inode = ""]) => ({ inode, state }));
}

async function processOf(inode: string, deadline: number): Promise<string | null> {
  // Ourselves first: another proxy may have it.
  const own = await readlink("/proc/self").catch(() => "");
  const others = (await readdir("/proc").catch(() => [])).filter(
    (name) => /^\d+$/u.test(name) && name !== own,
  );
  for (const pid of own === "" ? others : [own, ...others]) {
    const open = await readdir(`/proc/${pid}/fd`).catch(() => []);
    const links = await Promise.all(open.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")));
    if (links.includes(`socket:[${inode}]`)) {
      const name = (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim();
      return name === "" ? `process ${pid}` : `process ${pid} (${name})`;
    }
    if (performance.now() > deadline) return null;
  }
  return null;
}
