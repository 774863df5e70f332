/** What Linux says of the timers of this machine's TCP connections, in /proc/net/tcp. */
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";

/** By the field `tr` of `tr tm->when`: 2 is the timer that keepalive goes by, 1 and 4 are about bytes on their way. */
const KEEPALIVE = "02";
const IDLE = "00";
/** Of a second, whatever the kernel itself counts in (USER_HZ). */
const TICKS = 100;

/**
 * Milliseconds until the end of a connection asks whether its peer is still there; null if it never will. `peer` is the
 * socket at the other end, in this process. Waits until no bytes are on their way.
 */
export async function keepaliveOfPeer(peer: Socket): Promise<number | null> {
  const ends = `${hex(peer.remotePort)} ${hex(peer.localPort)}`;
  for (;;) {
    const [kind = "", when = ""] = timerOf(ends).split(":");
    if (kind === KEEPALIVE) return (Number.parseInt(when, 16) * 1_000) / TICKS;
    if (kind === IDLE) return null;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function timerOf(ends: string): string {
  for (const line of readFileSync("/proc/net/tcp", "utf8").trim().split("\n").slice(1)) {
    const [, local = "", remote = "", , , timer = ""] = line.trim().split(/\s+/u);
    if (`${local.slice(-4)} ${remote.slice(-4)}` === ends) return timer;
  }
  throw new Error("there is no such connection");
}

function hex(port = 0): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}
