/**
 * Packet loss as nftables rules, as text: what the daemon's own table holds for what is to be lost.
 *
 * Segments that arrive are dropped on input. A drop on output, postrouting or egress is no loss: the kernel tells the
 * sending TCP, which holds back and tries again at once. So segments that leave are routed to the loopback device and
 * dropped there, and for the sender they are on their way. See docs/decisions/0007-kernel-packet-loss.md.
 */
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { DIRECTIONS, type Direction } from "../../faults/contract/index.js";
import type { KernelLoss } from "../../faults/kernel-loss.js";

/** One end of the connections that are hit: this port of these addresses, none standing for any. */
export interface End {
  readonly host: string;
  readonly port: number;
}

export interface RuleSource extends KernelLoss {
  /** Names its counters: letters and digits. */
  readonly id: string;
  /** The listener, or the upstreams' addresses. */
  readonly ends: readonly End[];
}

/** Marks what is on its way to nowhere. */
const MARK = "0x53714c";

/** The table and its chains, one command a line; each is a transaction. */
export function tableCommands(table: string, revision: number): string[] {
  const t = `inet ${table}`;
  return [
    `add table ${t} { flags owner; }`,
    `add chain ${t} arriving { type filter hook input priority -10; policy accept; }`,
    // Routed anew when it has another destination: the reason for a chain of this type, at the only place for it.
    `add chain ${t} leaving { type route hook output priority -150; policy accept; }`,
    `add chain ${t} vanished { type filter hook prerouting priority -310; policy accept; }`,
    `add rule ${t} vanished iif lo meta mark ${MARK} drop`,
    `add counter ${t} r${revision}`,
  ];
}

/** Everything that a kernel must be able to do for this, to be tried without doing it. */
export function trialCommands(table: string): string[] {
  const source: RuleSource = {
    id: "trial",
    loss: 0.05,
    leg: "client",
    directions: ["upstream", "downstream"],
    clients: null,
    ends: [{ host: "", port: 9 }],
  };
  return [...tableCommands(table, 0), ...swap(table, 1, [source], new Set())];
}

/**
 * Puts these rules in place of all others; joined by semicolons it is one transaction. A counter called by the revision
 * says that it went through. Sources that have been `counted` before keep their counters.
 */
export function swap(
  table: string,
  revision: number,
  sources: readonly RuleSource[],
  counted: ReadonlySet<string>,
): string[] {
  const t = `inet ${table}`;
  return [
    `flush chain ${t} arriving`,
    `flush chain ${t} leaving`,
    `delete counter ${t} r${revision - 1}`,
    `add counter ${t} r${revision}`,
    ...sources.flatMap((source) => [
      ...(counted.has(source.id) ? [] : countersOf(source.id).map((name) => `add counter ${t} ${name}`)),
      ...source.directions.flatMap((direction) =>
        rulesOf(source, direction).map((rule) => `add rule ${t} ${rule}`),
      ),
    ]),
  ];
}

/** Nothing is lost any more, and the counters stand still. */
export function haltCommand(table: string): string {
  return `flush chain inet ${table} arriving; flush chain inet ${table} leaving`;
}

export function countersOf(id: string): string[] {
  return DIRECTIONS.flatMap((direction) => [`${id}_seen_${direction}`, `${id}_lost_${direction}`]);
}

function rulesOf({ id, loss, leg, clients, ends }: RuleSource, direction: Direction): string[] {
  const arriving = (leg === "client") === (direction === "upstream");
  const by = leg === "client" ? "here" : "there";
  // The listener is the destination of what arrives and the source of what leaves; an upstream the other way round.
  const far = arriving === (by === "there") ? "s" : "d";
  const odds = oddsOf(loss);
  if (odds === null) return [];
  return ends.flatMap((end) =>
    (["ip", "ip6"] as const).flatMap((family) => {
      const address = addressOf(end.host, family);
      const peers = clients === null ? null : clients.filter((client) => familyOf(client) === family);
      if (address === null || peers?.length === 0) return [];
      const match = [
        `meta nfproto ${family === "ip" ? "ipv4" : "ipv6"}`,
        address === "" ? "" : `${family} ${far}addr ${address}`,
        `tcp ${far}port ${end.port}`,
        peers === null ? "" : `${family} ${arriving ? "s" : "d"}addr { ${merged(peers).join(", ")} }`,
        `counter name ${id}_seen_${direction}`,
        odds,
        `counter name ${id}_lost_${direction}`,
        arriving
          ? "drop"
          : `meta mark set ${MARK} ${family} daddr set ${family === "ip" ? "127.0.0.1" : "::1"}`,
      ];
      return [`${arriving ? "arriving" : "leaving"} ${match.filter((part) => part !== "").join(" ")}`];
    }),
  );
}

/** null for no loss at all; empty for all. In steps of 0.01 %, and finer where that says something else. */
function oddsOf(loss: number): string | null {
  for (const steps of [10_000, 1_000_000_000]) {
    const below = Math.round(loss * steps);
    if (steps === 10_000 && Math.abs(below - loss * steps) > 1e-6) continue;
    if (below <= 0) return null;
    return below >= steps ? "" : `numgen random mod ${steps} < ${below}`;
  }
  return null;
}

/** Empty for any address of the family, null for none of it. */
function addressOf(host: string, family: "ip" | "ip6"): string | null {
  const plain = host.replace(/%.*$/u, "");
  if (plain === "" || plain === "::") return "";
  if (plain === "0.0.0.0") return family === "ip" ? "" : null;
  return familyOf(plain) === family ? plain : null;
}

function familyOf(address: string): "ip" | "ip6" | null {
  const version = isIP(address.split("/", 1)[0] ?? "");
  return version === 4 ? "ip" : version === 6 ? "ip6" : null;
}

/** Without those that lie in others: nft takes no set that overlaps itself. */
function merged(addresses: readonly string[]): string[] {
  const blocks = [...new Set(addresses)].map((text) => ({ text, block: blockOf(text) }));
  const lies = (inner: Block, outer: Block): boolean =>
    inner[1] >= outer[1] &&
    inner[0].kind() === outer[0].kind() &&
    inner[0].match(outer[0] as never, outer[1]);
  return blocks
    .filter(({ block }, index) =>
      blocks.every(
        (other, place) =>
          place === index ||
          !lies(block, other.block) ||
          // Of two that are the same, the first stays.
          (lies(other.block, block) && index < place),
      ),
    )
    .map(({ text }) => text);
}

type Block = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

function blockOf(text: string): Block {
  if (text.includes("/")) return ipaddr.parseCIDR(text);
  const address = ipaddr.parse(text);
  return [address, address.kind() === "ipv4" ? 32 : 128];
}
