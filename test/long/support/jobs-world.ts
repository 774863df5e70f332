/**
 * A job server that restarts and moves to other addresses, and bots of which some lose patience: each writes down for itself,
 * exchange by exchange, what it did and what it saw, so that whoever tells the story otherwise can be caught.
 */
import {
  Agent,
  createServer,
  request,
  type IncomingMessage,
  type RequestOptions,
  type Server,
} from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";
import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/** What a bot lived through. */
export interface Lived {
  readonly proxy: string;
  /** The status of the answer's head; null if none came. */
  status: number | null;
  /** The answer came whole. */
  whole: boolean;
  /** It gave up and closed, or reset, its connection. */
  gaveUp: boolean;
  /** It waits for nothing any more. */
  over: boolean;
}

export class MovingServer {
  readonly port: number;
  /** The exchanges whose head it was sent, by their number, with how often. */
  readonly seen = new Map<number, number>();
  requests = 0;
  restarts = 0;
  readonly #addresses: readonly string[];
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #at = 0;

  private constructor(port: number, addresses: readonly string[]) {
    this.port = port;
    this.#addresses = addresses;
  }

  /** On a port that is free at all these addresses, listening at the first of them. */
  static async start(addresses: readonly string[]): Promise<MovingServer> {
    const finding = createServer().listen(0, addresses[0]);
    await once(finding, "listening");
    const port = (finding.address() as { port: number }).port;
    finding.close();
    await once(finding, "close");
    const server = new MovingServer(port, addresses);
    await server.#listen();
    return server;
  }

  get address(): string {
    return this.#addresses[this.#at % this.#addresses.length] ?? "";
  }

  async #listen(): Promise<void> {
    const server = createServer({ keepAliveTimeout: 5_000 }, (asked, answer) => {
      const number = numberOf(asked.url ?? "");
      this.requests++;
      this.seen.set(number, (this.seen.get(number) ?? 0) + 1);
      let length = 0;
      asked.on("error", () => undefined);
      asked.on("data", (chunk: Buffer) => (length += chunk.length));
      asked.on("end", () => {
        const body = `job ${number} of ${length} bytes\n`;
        const chunked = number % 3 === 0;
        answer.writeHead(200, chunked ? {} : { "content-length": body.length });
        answer.end(body);
      });
    });
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => this.#sockets.delete(socket));
    });
    server.listen({ port: this.port, host: this.address, backlog: 1_024 });
    await once(server, "listening");
    this.#server = server;
  }

  /** Everything ends at once, and after that time it is there again, at its next address. `moved` hears of it before. */
  async move(away: number, moved: (address: string) => void): Promise<void> {
    this.stop();
    this.restarts++;
    this.#at++;
    moved(this.address);
    await pause(away);
    await this.#listen();
  }

  stop(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

function numberOf(url: string): number {
  return Number(/\/v1\/jobs\/(\d+)/u.exec(url)?.[1] ?? NaN);
}

/** Longer than any fault of the library holds an answer that is still to come. */
const PATIENCE_MS = 20_000;

/** A proxy that bots go through: with TLS, the name that they ask for and the CA that they trust. */
export interface Way {
  readonly proxy: string;
  readonly port: number;
  readonly tls: { readonly servername: string; readonly ca: string } | null;
}

/** What bots counted at one proxy. */
interface Counted {
  /** Connections that came about, as the client's kernel sees it. */
  connections: number;
  /** Connections whose TLS was there, with a certificate that the bot took for right. */
  secured: number;
}

export class ImpatientBots {
  readonly lived = new Map<number, Lived>();
  readonly counted: ReadonlyMap<string, Counted>;
  readonly #ways: readonly Way[];
  readonly #random: () => number;
  readonly #running: Promise<void>[] = [];
  #numbers = 0;
  #stopped = false;

  constructor(ways: readonly Way[], random: () => number) {
    this.#ways = ways;
    this.#random = random;
    this.counted = new Map(ways.map(({ proxy }) => [proxy, { connections: 0, secured: 0 }]));
  }

  /** The number of the exchange that began last. */
  get latest(): number {
    return this.#numbers;
  }

  /** By turns at each of the ways. */
  start(count: number): void {
    for (let n = 0; n < count; n++) {
      const way = this.#ways[n % this.#ways.length];
      if (way !== undefined) this.#running.push(this.#work(`bot-${n}`, way));
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  async #work(bot: string, way: Way): Promise<void> {
    const options = { keepAlive: true, maxSockets: 1 };
    const agent = way.tls === null ? new Agent(options) : new SecureAgent(options);
    while (!this.#stopped) {
      const lived = await this.#exchange(bot, way, this.#random() < 0.7 ? agent : false);
      lived.over = true;
      // Whoever is refused at once must not spin.
      await pause(lived.whole ? 5 + this.#random() * 20 : 50);
    }
    agent.destroy();
  }

  #exchange(bot: string, way: Way, agent: Agent | false): Promise<Lived> {
    const number = ++this.#numbers;
    const lived: Lived = { proxy: way.proxy, status: null, whole: false, gaveUp: false, over: false };
    this.lived.set(number, lived);
    const posts = number % 2 === 0;
    const body = posts ? Buffer.alloc(1 + (number % 5_000), "x") : null;
    return new Promise((resolve) => {
      const over = (): void => {
        clearTimeout(late);
        resolve(lived);
      };
      const options: RequestOptions = {
        port: way.port,
        host: "127.0.0.1",
        method: posts ? "POST" : "GET",
        path: `/v1/jobs/${number}${posts ? "/complete" : ""}`,
        agent,
        headers: { "x-bot-id": bot, ...(body === null ? {} : { "content-length": body.length }) },
      };
      const asked = way.tls === null ? request(options) : secureRequest({ ...options, ...way.tls });
      asked.once("socket", (socket) => {
        const counted = this.counted.get(way.proxy);
        // One that is used again has connected before.
        if (counted === undefined || !socket.connecting) return;
        socket.once("connect", () => counted.connections++);
        socket.once("secureConnect", () => counted.secured++);
      });
      const impatient = this.#random() < 0.3;
      const resets = this.#random() < 0.5;
      const late = setTimeout(
        () => {
          lived.gaveUp = true;
          // Node knows no way to reset a connection through its TLS.
          if (resets && way.tls === null) asked.socket?.resetAndDestroy();
          asked.destroy();
        },
        impatient ? this.#random() * 120 : PATIENCE_MS,
      );
      asked.on("response", (answer: IncomingMessage) => {
        lived.status = answer.statusCode ?? null;
        answer.on("data", () => undefined);
        answer.on("error", over);
        answer.on("end", () => {
          lived.whole = answer.complete;
          over();
        });
        answer.on("close", over);
      });
      asked.on("error", over);
      asked.on("close", over);
      asked.end(body ?? undefined);
    });
  }
}
