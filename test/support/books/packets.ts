/** Ends of udp and dns proxies that keep their own books. They share no code with the proxy: questions and replies are bytes here. */
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export const TYPES = { A: 1, AAAA: 28, TXT: 16 } as const;
export type Type = keyof typeof TYPES;
/** By their numbers (RFC 1035, section 4.1.1). */
const RCODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

async function bound(address: string, port = 0): Promise<Datagrams> {
  const socket = createSocket({ type: "udp4", recvBufferSize: 1024 * 1024 });
  socket.bind(port, address);
  await once(socket, "listening");
  return socket.on("error", () => undefined);
}

/** One end of datagrams, which counts what it sends and gets; `answer` gives what it sends back. */
export class DatagramEnd {
  readonly sent: Buffer[] = [];
  readonly got: Buffer[] = [];
  readonly #socket: Datagrams;

  private constructor(socket: Datagrams, answer: ((payload: Buffer) => Buffer | null) | null) {
    this.#socket = socket;
    socket.on("message", (payload, from) => {
      this.got.push(payload);
      const back = answer?.(payload) ?? null;
      if (back !== null) this.send(back, from.port, from.address);
    });
  }

  static async open(
    address: string,
    answer: ((payload: Buffer) => Buffer | null) | null = null,
  ): Promise<DatagramEnd> {
    return new DatagramEnd(await bound(address), answer);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  send(payload: Buffer, port: number, address = "127.0.0.1"): void {
    this.sent.push(payload);
    this.#socket.send(payload, port, address);
  }

  forget(): void {
    this.sent.length = 0;
    this.got.length = 0;
  }

  close(): void {
    this.#socket.close();
  }
}

export function question(id: number, name: string, type: Type): Buffer {
  const head = Buffer.from([id >> 8, id & 0xff, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  const labels = name.split(".").map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`));
  return Buffer.concat([head, ...labels, Buffer.from([0, 0, TYPES[type], 0, 1])]);
}

/** The name of the question of a message. */
export function nameOf(message: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; (message[at] ?? 0) > 0; at += 1 + (message[at] ?? 0))
    labels.push(message.toString("latin1", at + 1, at + 1 + (message[at] ?? 0)));
  return labels.join(".").toLowerCase();
}

export function codeOf(message: Buffer): string {
  return RCODES[(message[3] ?? 0) & 0x0f] ?? "other";
}

/** What the server says to a name: those that begin with `gone` it does not know. */
export function serverCode(name: string): string {
  return name.startsWith("gone") ? "NXDOMAIN" : "NOERROR";
}

/** A question comes back as it was, with one record of the type that it asks for, or with NXDOMAIN. */
export function replyTo(message: Buffer): Buffer {
  const name = nameOf(message);
  const end = 12 + name.length + 2 + 4;
  const reply = Buffer.from(message.subarray(0, end));
  const known = serverCode(name) === "NOERROR";
  reply.writeUInt16BE(known ? 0x8580 : 0x8583, 2);
  reply.fill(0, 6, 12);
  if (!known) return reply;
  reply[7] = 1;
  const type = reply.readUInt16BE(end - 4);
  const data =
    type === TYPES.A
      ? [127, 0, 0, 1]
      : type === TYPES.AAAA
        ? [...Array<number>(15).fill(0), 1]
        : [2, 104, 105];
  return Buffer.concat([reply, Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 5, 0, data.length, ...data])]);
}

/** A DNS server over UDP and TCP on one port. */
export class NameServer {
  /** Names that it was asked for, in the order in which they came. */
  readonly heard: string[] = [];
  readonly #udp: Datagrams;
  readonly #tcp: Server;

  private constructor(udp: Datagrams, tcp: Server) {
    this.#udp = udp;
    this.#tcp = tcp;
    udp.on("message", (message, from) => {
      udp.send(this.#answer(message), from.port, from.address);
    });
    tcp.on("connection", (socket: Socket) => {
      socket.on("error", () => undefined);
      frames(socket, (message) => socket.write(framed(this.#answer(message))));
    });
  }

  /** The kernel gives a port that is free for TCP; it may be taken for UDP, and then another is asked for. */
  static async open(): Promise<NameServer> {
    for (;;) {
      const tcp = createServer().listen(0, "127.0.0.1");
      await once(tcp, "listening");
      const udp = await bound("127.0.0.1", (tcp.address() as AddressInfo).port).catch(() => null);
      if (udp !== null) return new NameServer(udp, tcp);
      tcp.close();
    }
  }

  get port(): number {
    return (this.#tcp.address() as AddressInfo).port;
  }

  #answer(message: Buffer): Buffer {
    this.heard.push(nameOf(message));
    return replyTo(message);
  }

  close(): void {
    this.#udp.close();
    this.#tcp.close();
  }
}

/** One question over TCP, on a connection of its own: what came back, and how it ended. */
export class TcpQuestion {
  readonly got: Buffer[] = [];
  reset = false;
  refused = false;
  readonly #socket: Socket;

  constructor(message: Buffer, port: number, from: string) {
    let connected = false;
    this.#socket = connect({ host: "127.0.0.1", port, localAddress: from });
    this.#socket.on("connect", () => (connected = true));
    this.#socket.on("error", () => {
      if (connected) this.reset = true;
      else this.refused = true;
    });
    frames(this.#socket, (reply) => this.got.push(reply));
    this.#socket.write(framed(message));
  }

  close(): void {
    this.#socket.destroy();
  }
}

function framed(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from([message.length >> 8, message.length & 0xff]), message]);
}

/** RFC 1035, section 4.2.2: two bytes of length before each message. */
function frames(socket: Socket, each: (message: Buffer) => void): void {
  let bytes = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
      const end = 2 + bytes.readUInt16BE(0);
      each(bytes.subarray(2, end));
      bytes = bytes.subarray(end);
    }
  });
}

/** Bytes that one bot got otherwise than the server sent them to it; its datagrams say whose they are before they are spoilt. */
export function differences(sent: readonly Buffer[], got: readonly Buffer[], bot: number): number {
  const own = sent.filter((payload) => payload.toString("latin1").startsWith(`${bot} `));
  return got.reduce((sum, payload, index) => {
    const was = own[index];
    return sum + payload.reduce((all, byte, at) => all + (byte === was?.[at] ? 0 : 1), 0);
  }, 0);
}
