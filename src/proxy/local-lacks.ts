/**
 * What this machine may lack when it reaches for an upstream. None of it is the upstream's doing, so it is told by reasons of
 * its own, and no upstream is ejected, called ill or thought dead for it. Codes: connect(2), socket(2), sendto(2).
 */
import { networkInterfaces } from "node:os";
import { isIPv6 } from "node:net";
import type { ConnectionFailure } from "../core/events.js";

export type LocalLack = Extract<
  ConnectionFailure,
  "descriptor_limit" | "port_limit" | "memory_limit" | "not_permitted"
>;

const LACKS: Readonly<Record<string, LocalLack>> = {
  EMFILE: "descriptor_limit",
  ENFILE: "descriptor_limit",
  EADDRNOTAVAIL: "port_limit",
  EADDRINUSE: "port_limit",
  EAGAIN: "port_limit",
  ENOMEM: "memory_limit",
  ENOBUFS: "memory_limit",
  EACCES: "not_permitted",
  EPERM: "not_permitted",
};

const WORDS: Readonly<Record<LocalLack, string>> = {
  descriptor_limit: "no descriptor is left for a connection to the upstream",
  port_limit: "this machine has no local port left for a connection to the upstream",
  memory_limit: "this machine has no memory left for a connection to the upstream",
  not_permitted:
    "this machine does not permit a connection to the upstream (its firewall, or its rules for processes)",
};

/** What it is that is lacking, or null for what a peer or the network between has done. */
export function lackOf(code: string | undefined, address: string): LocalLack | null {
  const lack = LACKS[code ?? ""] ?? null;
  // Where a machine has no IPv6 at all, its kernel says that it has no address to connect from: no port would help.
  return lack === "port_limit" && isIPv6(address) && !hasIPv6() ? null : lack;
}

export function isLocalLack(reason: string): reason is LocalLack {
  return Object.hasOwn(WORDS, reason);
}

export function wordsOfLack(lack: LocalLack): string {
  return WORDS[lack];
}

function hasIPv6(): boolean {
  return Object.values(networkInterfaces())
    .flat()
    .some((own) => own?.family === "IPv6");
}
