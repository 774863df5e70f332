/** Clients that have stopped reading, with servers that go on sending, while toxics come, change and go. */
import type { Socket } from "node:net";
import { connect, createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { RawHttp } from "./compat-lab.js";

/** None that ends a connection when it goes. */
const TOXICS: readonly (readonly [body: object, change: object])[] = [
  [{ type: "latency", attributes: { latency: 1_000, jitter: 100 } }, { attributes: { latency: 10 } }],
  [{ type: "bandwidth", attributes: { rate: 0 } }, { attributes: { rate: 1_000 } }],
  [{ type: "slicer", attributes: { average_size: 1_000, delay: 50 } }, { attributes: { average_size: 100 } }],
  [{ type: "slow_close", attributes: { delay: 1_000 } }, { attributes: { delay: 0 } }],
  [{ type: "latency", stream: "upstream", attributes: { latency: 1_000 } }, { toxicity: 0.5 }],
  [{ type: "noop", toxicity: 0.5 }, { toxicity: 1 }],
];

export class StalledCrowd {
  readonly #raw: RawHttp;
  readonly #servers: Socket[] = [];
  readonly #clients: Socket[] = [];
  #sent = 0;
  readonly ends: string[] = [];
  /** Milliseconds of each call. */
  readonly calls: number[] = [];

  private constructor(url: URL) {
    this.#raw = new RawHttp(url);
  }

  /** So many clients through one proxy; resolves when nothing moves any more. */
  static async gather(url: URL, size: number): Promise<StalledCrowd> {
    const crowd = new StalledCrowd(url);
    const block = Buffer.alloc(64 * 1024);
    const server = createServer((socket) => {
      crowd.#servers.push(socket);
      const send = (): void => {
        while (socket.writable && socket.write(block)) crowd.#sent += block.length;
      };
      socket.on("error", () => undefined).on("drain", send);
      send();
    });
    server.listen(0, "127.0.0.1").unref();
    await once(server, "listening");
    const upstream = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const made = await crowd.#call("POST", "/proxies", { name: "stalled", listen: "127.0.0.1:0", upstream });
    const { listen } = JSON.parse(made) as { listen: string };
    for (let n = 0; n < size; n++) {
      // The admin port closes a connection of which it has heard nothing for some seconds.
      if (n % 10 === 0) await crowd.#call("GET", "/version");
      const client = connect({ host: "127.0.0.1", port: Number(listen.split(":")[1]) });
      client.pause();
      client
        .on("error", (error) => crowd.ends.push(error.message))
        .on("close", () => crowd.ends.push("closed"));
      await once(client, "connect");
      crowd.#clients.push(client);
    }
    await crowd.#still();
    return crowd;
  }

  /** Until the servers could send nothing between some calls: all buffers on the way are full. */
  async #still(): Promise<void> {
    for (let before = -1; before !== this.#sent;) {
      before = this.#sent;
      for (let n = 0; n < 20; n++) await this.#call("GET", "/version");
    }
  }

  /** Adds, changes and removes a toxic, so many times. */
  async disturb(times: number): Promise<void> {
    for (let n = 0; n < times; n++) {
      const [body, change] = TOXICS[n % TOXICS.length] ?? [{}, {}];
      await this.#call("POST", "/proxies/stalled/toxics", { ...body, name: "t" });
      await this.#call("POST", "/proxies/stalled/toxics/t", change);
      await this.#call("DELETE", "/proxies/stalled/toxics/t");
    }
  }

  async #call(method: string, path: string, body?: object): Promise<string> {
    const before = performance.now();
    const answer = await this.#raw.ask(method, path, body === undefined ? undefined : JSON.stringify(body));
    this.calls.push(performance.now() - before);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.body}`);
    return answer.body;
  }

  async status(): Promise<{ held_bytes: number; connections: number }> {
    return JSON.parse(await this.#call("GET", "/status")) as { held_bytes: number; connections: number };
  }

  /** What the daemon's process occupies, where it is a process of its own. */
  async memory(): Promise<number> {
    const text = await this.#call("GET", "/metrics");
    return Number(/^process_resident_memory_bytes (\S+)$/mu.exec(text)?.[1]);
  }

  get slowest(): number {
    return Math.max(...this.calls);
  }

  leave(): void {
    for (const socket of [...this.#clients, ...this.#servers]) socket.destroy();
  }

  close(): void {
    this.leave();
    this.#raw.close();
  }
}
