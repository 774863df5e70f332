/** Who has a port that cannot be had, as far as Linux tells: for the message to whoever wants it. */
import { readdir, readFile, readlink } from "node:fs/promises";

interface Taken {
  readonly inode: string;
  readonly state: string;
}

const LISTENING = "0A";
const PROCESSES_MAX = 10_000;

/** Such as `process 4711 (python3) listens there`; null if nothing can be said. Takes some milliseconds. */
export async function ownerOf(network: "tcp" | "udp", port: number): Promise<string | null> {
  const rows = (await Promise.all([network, `${network}6`].map((table) => takenIn(table, port)))).flat();
  const listening = rows.find(({ state }) => network === "udp" || state === LISTENING);
  const row = listening ?? rows.find(({ inode }) => inode !== "0") ?? rows[0];
  if (row === undefined) return null;
  // A connection that has ended is nobody's any more.
  if (row.inode === "0") return "a connection that has just ended keeps it for a minute (TIME_WAIT)";
  const who = (await processOf(row.inode)) ?? "a process of another user or container";
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

async function processOf(inode: string): Promise<string | null> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/u.test(name));
  for (const pid of pids.slice(0, PROCESSES_MAX)) {
    const open = await readdir(`/proc/${pid}/fd`).catch(() => []);
    const links = await Promise.all(open.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")));
    if (!links.includes(`socket:[${inode}]`)) continue;
    const name = (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim();
    return name === "" ? `process ${pid}` : `process ${pid} (${name})`;
  }
  return null;
}
