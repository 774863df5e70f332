/**
 * Traffic of every kind through a daemon, for hours if need be: bytes that are checked, exchanges on connections that are kept
 * and on new ones, WebSockets, datagrams, questions. It counts what went well and what did not; what faults may break is for
 * whoever asks to say.
 */
import { Agent, createServer as createHttpServer, request } from "node:http";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { WebSocket, WebSocketServer } from "ws";
import { codedBytes } from "../../support/coded-bytes.js";

export const KINDS = ["bytes", "kept", "fresh", "websocket", "datagrams", "questions"] as const;
export type Kind = (typeof KINDS)[number];

export interface Tally {
  done: number;
  failed: number;
}

export interface Ports {
  readonly bytes: number;
  readonly web: number;
  readonly datagrams: number;
  readonly questions: number;
}

/** The servers behind the daemon. */
export class Servers {
  readonly #tcp: Server[] = [];
  readonly #udp: UdpSocket[] = [];
  readonly #sockets = new Set<Socket>();
  ports: Omit<Ports, "questions"> = { bytes: 0, web: 0, datagrams: 0 };

  static async start(): Promise<Servers> {
    const servers = new Servers();
    const bytes = await servers.#listen(
      createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
        socket.on("error", () => undefined).pipe(socket);
      }),
    );
    const web = createHttpServer({ keepAliveTimeout: 60_000 }, (asked, answer) => {
      const chunks: Buffer[] = [];
      asked.on("data", (chunk: Buffer) => chunks.push(chunk));
      asked.on("error", () => undefined);
      asked.on("end", () => {
        answer.end(Buffer.concat(chunks));
      });
    });
    const rooms = new WebSocketServer({ server: web });
    rooms.on("connection", (room) => {
      room.on("error", () => undefined);
      room.on("message", (message: Buffer) => {
        room.send(message);
      });
    });
    servers.ports = {
      bytes,
      web: await servers.#listen(web),
      datagrams: await servers.#echoDatagrams(),
    };
    return servers;
  }

  async #listen(server: Server): Promise<number> {
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 });
    await once(server, "listening");
    this.#tcp.push(server);
    return (server.address() as AddressInfo).port;
  }

  async #echoDatagrams(): Promise<number> {
    const socket = createSocket("udp4");
    socket.on("message", (message, { port, address }) => {
      socket.send(message, port, address, () => undefined);
    });
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    this.#udp.push(socket);
    return socket.address().port;
  }

  stop(): void {
    for (const server of this.#tcp) server.close();
    for (const socket of this.#sockets) socket.destroy();
    for (const socket of this.#udp) socket.close();
  }
}

/** How long whoever asks waits for something that a fault may have swallowed. */
const PATIENCE_MS = 3_000;

export class Traffic {
  readonly tallies: Readonly<Record<Kind, Tally>>;
  readonly #ports: Ports;
  readonly #running: Promise<void>[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 10 });
  #stopped = false;
  #turn = 0;

  constructor(ports: Ports) {
    this.#ports = ports;
    this.tallies = Object.fromEntries(KINDS.map((kind) => [kind, { done: 0, failed: 0 }])) as Record<
      Kind,
      Tally
    >;
  }

  /** So many of each kind, at the same time. */
  start(each: number): void {
    const acts: Readonly<Record<Kind, () => Promise<boolean>>> = {
      bytes: () => this.#bytes(),
      kept: () => this.#exchange(this.#agent),
      fresh: () => this.#exchange(false),
      websocket: () => this.#webSocket(),
      datagrams: () => this.#datagram(),
      questions: () => this.#question(),
    };
    for (const kind of KINDS)
      for (let n = 0; n < each; n++) this.#running.push(this.#repeat(acts[kind], this.tallies[kind]));
  }

  async #repeat(act: () => Promise<boolean>, tally: Tally): Promise<void> {
    while (!this.#stopped) {
      const well = await act();
      if (well) tally.done++;
      else tally.failed++;
      // Whoever is refused at once must not spin.
      await pause(well ? 5 : 50);
    }
  }

  clear(): void {
    for (const tally of Object.values(this.tallies)) Object.assign(tally, { done: 0, failed: 0 });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
    this.#agent.destroy();
  }

  /** A connection of its own, some kilobytes up, the same down, and an orderly end. */
  #bytes(): Promise<boolean> {
    const payload = codedBytes(this.#turn++, 20_000);
    return new Promise((resolve) => {
      const socket = connect(this.#ports.bytes, "127.0.0.1");
      const received: Buffer[] = [];
      const over = (): void => {
        socket.destroy();
        resolve(Buffer.concat(received).equals(payload));
      };
      socket.setTimeout(PATIENCE_MS, over).on("error", over).on("close", over);
      socket.on("data", (chunk: Buffer) => received.push(chunk)).on("end", over);
      socket.end(payload);
    });
  }

  #exchange(agent: Agent | false): Promise<boolean> {
    const payload = codedBytes(this.#turn++, 2_000);
    return new Promise((resolve) => {
      const over = (well: boolean): void => {
        asked.destroy();
        resolve(well);
      };
      const asked = request(
        {
          port: this.#ports.web,
          host: "127.0.0.1",
          method: "POST",
          path: `/v1/jobs/${this.#turn}/complete`,
          agent,
          headers: { "x-bot-id": `bot-${this.#turn % 20}`, "content-length": payload.length },
        },
        (answer) => {
          const received: Buffer[] = [];
          answer.on("data", (chunk: Buffer) => received.push(chunk));
          answer.on("error", () => {
            over(false);
          });
          answer.on("end", () => {
            const well = answer.statusCode === 200 && Buffer.concat(received).equals(payload);
            // A kept connection goes back to its agent.
            if (well) resolve(true);
            else over(false);
          });
        },
      );
      asked.setTimeout(PATIENCE_MS, () => {
        over(false);
      });
      asked.on("error", () => {
        over(false);
      });
      asked.end(payload);
    });
  }

  #webSocket(): Promise<boolean> {
    return new Promise((resolve) => {
      const room = new WebSocket(`ws://127.0.0.1:${this.#ports.web}/`, { handshakeTimeout: PATIENCE_MS });
      let left = 10;
      const late = setTimeout(() => {
        room.terminate();
      }, PATIENCE_MS);
      const say = (): void => {
        room.send(`message ${left}`);
      };
      room.on("open", say);
      room.on("message", (message: Buffer) => {
        if (message.toString() !== `message ${left}`) room.terminate();
        else if (--left > 0) say();
        else room.close();
      });
      room.on("error", () => undefined);
      room.on("close", () => {
        clearTimeout(late);
        resolve(left === 0);
      });
    });
  }

  #datagram(): Promise<boolean> {
    const payload = codedBytes(this.#turn++, 500);
    return this.#over(this.#ports.datagrams, payload, (reply) => reply.equals(payload));
  }

  #question(): Promise<boolean> {
    const id = this.#turn++ % 65_536;
    const head = Buffer.from("000001000001000000000000", "hex");
    head.writeUInt16BE(id, 0);
    const question = Buffer.concat([head, Buffer.from("\x04jobs\x04test\x00\x00\x01\x00\x01", "latin1")]);
    return this.#over(
      this.#ports.questions,
      question,
      (reply) =>
        reply.length > 12 && reply.readUInt16BE(0) === id && reply.includes(Buffer.from([10, 0, 0, 7])),
    );
  }

  /** One datagram there, and the right one back. */
  #over(port: number, payload: Buffer, isRight: (reply: Buffer) => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = createSocket("udp4");
      const over = (well: boolean): void => {
        clearTimeout(late);
        socket.close();
        resolve(well);
      };
      const late = setTimeout(() => {
        over(false);
      }, PATIENCE_MS / 2);
      socket.on("error", () => undefined);
      socket.once("message", (reply) => {
        over(isRight(reply));
      });
      socket.send(payload, port, "127.0.0.1");
    });
  }
}
