/** Upstreams by name: a DNS server that says what the test wants, on a clock that moves when told. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { VirtualClock } from "../../src/core/clock.js";
import { Resolver } from "../../src/proxy/upstream/resolver.js";
import { httpTimeLab, type HttpLab } from "./http-lab.js";
import { turns } from "./lab.js";
import { startTinyDns, type TinyAnswer, type TinyDns } from "./tiny-dns.js";

export const NAME = "jobs.test";

/** What a DNS server says of a name with these addresses. */
export function addresses(of: readonly string[], ttl = 600): TinyAnswer {
  return of.map((address) => ({ type: address.includes(":") ? "AAAA" : "A", address, ttl }) as const);
}

export class NamesLab {
  readonly lab: HttpLab;
  readonly time: VirtualClock;
  #dns: TinyDns | null = null;

  constructor() {
    const { lab, time } = httpTimeLab();
    this.lab = lab;
    this.time = time;
  }

  get dns(): TinyDns {
    if (this.#dns === null) throw new Error("the name has no addresses yet");
    return this.#dns;
  }

  /** From now on the name has these. */
  async name(of: readonly string[], ttl?: number): Promise<void> {
    if (this.#dns !== null) {
      this.#dns.zone.set(NAME, addresses(of, ttl));
      return;
    }
    const dns = await startTinyDns({ [NAME]: addresses(of, ttl) });
    this.#dns = dns;
    const files = { version: async () => null, read: async () => "" };
    const resolver = new Resolver({ clock: this.time, servers: [dns.server], files });
    Object.assign(this.lab.context, { resolver });
    this.lab.onEnd(() => {
      resolver.close();
      void dns.close();
    });
  }

  /** How often DNS was asked for IPv4 addresses. */
  get questions(): number {
    return this.dns.questions.filter((question) => question.startsWith("A ")).length;
  }

  /** A server at this address: says which one it is to whoever connects, or does with him what is told. */
  async server(
    address: string,
    port = 0,
    serve = greeting(address),
  ): Promise<{ port: number; stop(): void }> {
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      serve(socket);
    });
    server.listen(port, address);
    await once(server, "listening");
    const stop = (): void => {
      server.close();
      for (const socket of sockets) socket.destroy();
    };
    this.lab.onEnd(stop);
    return { port: (server.address() as AddressInfo).port, stop };
  }

  /** Lets so much time pass, in steps, so that what is under way on loopback keeps up with it. */
  async pass(millis: number, step = 50): Promise<void> {
    for (let left = millis; left > 0; left -= step) {
      this.time.advance(Math.min(step, left));
      await turns();
    }
  }
}

function greeting(address: string): (socket: Socket) => void {
  return (socket) => {
    socket.write(address);
  };
}
