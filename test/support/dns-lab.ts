/** A dns proxy on loopback with a live plan, and a client that sends and reads the very bytes. */
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { decode, encode, type DecodedPacket, type Packet, type Question, type RecordType } from "dns-packet";
import type { DnsRecord } from "../../src/faults/contract/index.js";
import type { Neighbours } from "../../src/proxy/dns/neighbours.js";
import { DnsProxy } from "../../src/proxy/dns/proxy.js";
import { FrameReader, framed } from "../../src/proxy/dns/frames.js";
import type { SystemFile } from "../../src/proxy/dns/servers.js";
import type { DnsProxySpec } from "../../src/proxy/dns/spec.js";
import type { Lab } from "./lab.js";

export function address(name: string, data: string, ttl = 5): DnsRecord {
  return { name, type: data.includes(":") ? "AAAA" : "A", ttl, data };
}

export async function dnsProxy(
  lab: Lab,
  spec: Partial<DnsProxySpec> = {},
  systemFile?: SystemFile,
  neighbours?: Pick<Neighbours, "isStranger">,
): Promise<DnsProxy> {
  const proxy = new DnsProxy(
    {
      name: "names",
      protocol: "dns",
      listen: { host: "127.0.0.1", port: 0 },
      upstream: { host: "none", port: 53 },
      source: "none",
      records: [],
      queries: 10_000,
      dialTimeout: 5_000,
      connections: 1_000,
      proxyProtocol: "off",
      except: [],
      ...spec,
    },
    lab.context,
    systemFile,
    neighbours,
  );
  lab.plan.attach(proxy);
  await proxy.start();
  lab.onEnd(() => {
    proxy.stop();
  });
  return proxy;
}

export interface Asked {
  readonly id?: number;
  /** What it takes over UDP; no EDNS if missing. */
  readonly edns?: number;
}

export function question(name: string, type: RecordType, { id = 7, edns }: Asked = {}): Buffer {
  const asked: Question = { name, type };
  const packet: Packet = { type: "query", id, flags: 0x0100, questions: [asked] };
  if (edns !== undefined) {
    packet.additionals = [
      {
        type: "OPT",
        name: ".",
        udpPayloadSize: edns,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ];
  }
  return encode(packet);
}

/** What an answer says: `NOERROR A 10.0.0.1`, `NXDOMAIN`. */
export function said(message: Buffer | DecodedPacket): string {
  const packet = Buffer.isBuffer(message) ? decode(message) : message;
  const { rcode } = packet as unknown as { rcode: string };
  const answers = (packet.answers ?? []).map((answer) => {
    const data = "data" in answer ? answer.data : "";
    const text = typeof data === "string" ? data : JSON.stringify(data);
    return `${answer.type} ${text}`;
  });
  return [`${rcode}${packet.flag_tc ? " TC" : ""}`, ...answers].join(" | ");
}

/** A UDP client whose socket stays open, so that late answers are seen as well. */
export class UdpClient {
  readonly socket: UdpSocket;
  readonly received: Buffer[] = [];
  readonly #port: number;
  #waiting: (() => void) | null = null;

  private constructor(socket: UdpSocket, port: number) {
    this.socket = socket;
    this.#port = port;
    socket.on("message", (message) => {
      this.received.push(message);
      this.#waiting?.();
    });
    socket.on("error", () => undefined);
  }

  static async to(lab: Lab, proxy: { readonly address: { readonly port: number } }): Promise<UdpClient> {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    lab.onEnd(() => {
      socket.close();
    });
    return new UdpClient(socket, proxy.address.port);
  }

  send(message: Buffer): void {
    this.socket.send(message, this.#port, "127.0.0.1");
  }

  /** The n-th message that came, counted from 1. */
  async nth(n: number): Promise<Buffer> {
    while (this.received.length < n) await new Promise<void>((resolve) => (this.#waiting = resolve));
    return this.received[n - 1]!;
  }

  async ask(name: string, type: RecordType = "A", asked: Asked = {}): Promise<Buffer> {
    const n = this.received.length + 1;
    this.send(question(name, type, asked));
    return this.nth(n);
  }
}

export class TcpClient {
  readonly socket: Socket;
  readonly received: Buffer[] = [];
  /** "fin" or "reset". */
  readonly ended: Promise<string>;
  readonly #reader = new FrameReader();
  #waiting: (() => void) | null = null;

  constructor(lab: Lab, proxy: { readonly address: { readonly port: number } }) {
    this.socket = connect({ host: "127.0.0.1", port: proxy.address.port, noDelay: true });
    this.socket.on("data", (chunk) => {
      this.received.push(...this.#reader.push(chunk));
      this.#waiting?.();
    });
    this.ended = new Promise((resolve) => {
      this.socket.on("error", () => {
        resolve("reset");
      });
      this.socket.on("end", () => {
        resolve("fin");
      });
    });
    lab.onEnd(() => this.socket.destroy());
  }

  send(message: Buffer): void {
    this.socket.write(framed(message));
  }

  async nth(n: number): Promise<Buffer> {
    while (this.received.length < n) await new Promise<void>((resolve) => (this.#waiting = resolve));
    return this.received[n - 1]!;
  }

  async ask(name: string, type: RecordType = "A", asked: Asked = {}): Promise<Buffer> {
    const n = this.received.length + 1;
    this.send(question(name, type, asked));
    return this.nth(n);
  }
}
