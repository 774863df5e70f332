/** A UDP proxy on real sockets, and the ends to put around it. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import type { UdpProxySpec } from "../../src/proxy/udp/spec.js";
import { UdpProxy } from "../../src/proxy/udp/proxy.js";
import { until, type Lab } from "./lab.js";

/** One end: keeps what it gets, and from whom. */
export class UdpEnd {
  readonly got: Buffer[] = [];
  readonly from: RemoteInfo[] = [];
  /** Called for each datagram besides. */
  answer: ((payload: Buffer, from: RemoteInfo) => void) | null = null;
  /** False for floods that would fill memory: then they are only counted. */
  keeps = true;
  count = 0;

  constructor(readonly socket: Socket) {
    socket.on("message", (payload, from) => {
      this.count++;
      if (this.keeps) {
        this.got.push(payload);
        this.from.push(from);
      }
      this.answer?.(payload, from);
    });
    socket.on("error", () => undefined);
  }

  get port(): number {
    return this.socket.address().port;
  }

  get texts(): string[] {
    return this.got.map((payload) => payload.toString("latin1"));
  }

  send(
    payload: string | Buffer,
    to: { readonly address: { readonly port: number; readonly host?: string } },
  ): void {
    const { port, host } = to.address;
    const address = host === undefined || host === "::" ? this.#loopback : host;
    this.socket.send(payload, port, address);
  }

  get #loopback(): string {
    return this.socket.address().family === "IPv6" ? "::1" : "127.0.0.1";
  }

  async received(count: number): Promise<string[]> {
    await until(() => this.count >= count);
    return this.texts;
  }
}

export async function udpEnd(lab: Lab, address = "127.0.0.1", port = 0): Promise<UdpEnd> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  socket.bind(port, address);
  await once(socket, "listening");
  socket.setRecvBufferSize(4 * 1024 * 1024);
  let open = true;
  socket.on("close", () => {
    open = false;
  });
  lab.onEnd(() => {
    if (open) socket.close();
  });
  return new UdpEnd(socket);
}

/** A server that sends everything back to where it came from. */
export async function udpEcho(lab: Lab, address?: string): Promise<UdpEnd> {
  const end = await udpEnd(lab, address);
  end.answer = (payload, { port, address: to }) => {
    end.socket.send(payload, port, to);
  };
  return end;
}

/** A port on which nobody listens: it was free a moment ago. */
export async function deadUdpPort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}

export async function udpProxy(
  lab: Lab,
  upstreamPort: number,
  spec: Partial<UdpProxySpec> = {},
): Promise<UdpProxy> {
  const proxy = new UdpProxy(
    {
      name: "jobs",
      protocol: "udp",
      listen: { host: "127.0.0.1", port: 0 },
      upstream: { host: "127.0.0.1", port: upstreamPort },
      dialTimeout: 5_000,
      idleTimeout: 60_000,
      connections: 100_000,
      proxyProtocol: "off",
      except: [],
      ...spec,
    },
    lab.context,
  );
  lab.plan.attach(proxy);
  await proxy.start();
  lab.onEnd(() => {
    proxy.stop();
  });
  return proxy;
}

/** Sends that many, no more at a time than the kernel keeps, each with its number; resolves when the proxy has read them. */
export async function flood(end: UdpEnd, proxy: UdpProxy, count: number, bytes = 8): Promise<void> {
  const before = proxy.tally.received.upstream;
  for (let sent = 0; sent < count;) {
    for (let inBatch = 0; inBatch < 100 && sent < count; inBatch++, sent++) {
      const payload = Buffer.alloc(bytes);
      payload.writeUInt32BE(sent);
      end.send(payload, proxy);
    }
    const so_far = before + sent;
    await until(() => proxy.tally.received.upstream >= so_far);
  }
}

export function numbers(end: UdpEnd): number[] {
  return end.got.map((payload) => payload.readUInt32BE());
}
