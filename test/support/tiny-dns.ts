/** A DNS server on loopback that knows a handful of names, for tests that want real packets. */

import { createSocket } from "node:dgram";
import { once } from "node:events";

export interface TinyRecord {
  readonly type: "A" | "AAAA";
  readonly address: string;
  /** Seconds. */
  readonly ttl: number;
}

export type TinyAnswer = readonly TinyRecord[] | "NXDOMAIN" | "SERVFAIL" | "REFUSED" | "silence";

export interface TinyDns {
  /** `127.0.0.1:port`. */
  readonly server: string;
  /** `A jobs.test`, in the order of arrival. */
  readonly questions: string[];
  /** What each lower-case name gets from now on; a name that is not in it gets NXDOMAIN. */
  readonly zone: Map<string, TinyAnswer>;
  /** May be called again. */
  close(): Promise<void>;
}

const TYPES = new Map([
  [1, "A"],
  [28, "AAAA"],
]);
const RCODES = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 };
const HEADER_BYTES = 12;

/** On a free port of 127.0.0.1, or at the address given. */
export async function startTinyDns(
  zone: Record<string, TinyAnswer>,
  at: { readonly host: string; readonly port: number } = { host: "127.0.0.1", port: 0 },
): Promise<TinyDns> {
  const socket = createSocket("udp4");
  const names = new Map(Object.entries(zone));
  const questions: string[] = [];
  socket.on("message", (query, peer) => {
    const { name, type, end } = readQuestion(query);
    questions.push(`${type} ${name}`);
    const answer = names.get(name) ?? "NXDOMAIN";
    if (answer === "silence") return;
    socket.send(buildAnswer(query.subarray(0, end), type, answer), peer.port, peer.address);
  });
  socket.bind(at.port, at.host);
  await once(socket, "listening");
  let closed: Promise<void> | undefined;
  return {
    server: `${at.host}:${socket.address().port}`,
    questions,
    zone: names,
    close: () => (closed ??= new Promise((resolve) => socket.close(() => resolve()))),
  };
}

function readQuestion(query: Buffer): { name: string; type: string; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const type = query.readUInt16BE(at + 1);
  return { name: labels.join(".").toLowerCase(), type: TYPES.get(type) ?? `TYPE${type}`, end: at + 5 };
}

/** The question comes back as it was asked, and each record points at its name (RFC 1035, section 4.1). */
function buildAnswer(question: Buffer, type: string, answer: Exclude<TinyAnswer, "silence">): Buffer {
  const records = typeof answer === "string" ? [] : answer.filter((record) => record.type === type);
  const rcode = typeof answer === "string" ? RCODES[answer] : 0;
  const head = Buffer.from(question);
  head.writeUInt16BE(0x8580 | rcode, 2); // A response, authoritative, recursion desired and available.
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  head.writeUInt32BE(0, 8);
  return Buffer.concat([head, ...records.map(buildRecord)]);
}

function buildRecord({ type, address, ttl }: TinyRecord): Buffer {
  const data = type === "A" ? address.split(".").map(Number) : expandIPv6(address);
  const fixed = Buffer.alloc(12);
  fixed.writeUInt16BE(0xc000 | HEADER_BYTES, 0);
  fixed.writeUInt16BE(type === "A" ? 1 : 28, 2);
  fixed.writeUInt16BE(1, 4);
  fixed.writeUInt32BE(ttl, 6);
  fixed.writeUInt16BE(data.length, 10);
  return Buffer.concat([fixed, Buffer.from(data)]);
}

function expandIPv6(address: string): number[] {
  const [left = "", right = ""] = address.split("::");
  const before = left.split(":").filter((group) => group !== "");
  const after = right.split(":").filter((group) => group !== "");
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return [...before, ...zeros, ...after].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
