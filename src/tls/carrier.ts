/**
 * What a TLS engine sits on where a fault needs its records: between the client's socket and `new TLSSocket(carrier, { isServer: true })`.
 * It counts records, stops the server's part of a handshake, writes alerts in the engine's name, and has room for pumps with faults.
 *
 *     socket ------------------------- lane -> client's records -> engine
 *     socket <- lane <- server's records <- gate (stalls) <------- engine
 *
 * Back-pressure passes through in both directions, and each direction ends by itself.
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { AlertName, Stall, TlsEnd } from "../faults/contract/index.js";
import { ByteQueue } from "../faults/byte-queue.js";
import { straight, type Lane, type MakeLane } from "./lane.js";
import { RecordReader } from "./records.js";
import { Secrets } from "./secrets.js";
import { ServerRecords } from "./server-records.js";
import { StallGate } from "./stall-gate.js";

export interface CarrierOptions {
  /** What stands in each direction between socket and engine. */
  readonly lane?: MakeLane;
  /** Ends a socket behind what was written to it, when the engine is out of the way: it is the caller's from then on. */
  readonly leave?: (socket: Socket) => void;
}

/** Whether an alert can be made that the client takes for the engine's own, where it would be encrypted. */
export type Ability = { readonly able: true } | { readonly able: false; readonly reason: string };

/** Called once: with null when the alert has left for the client, or with why there is none. */
export type AlertTold = (problem: string | null) => void;

interface WaitingAlert {
  readonly name: AlertName;
  readonly told: AlertTold;
}

type Done = (error?: Error | null) => void;

/** As much as a socket reads at once. */
const READ_AHEAD_BYTES = 64 * 1024;

export class Carrier extends Duplex {
  readonly #socket: Socket;
  readonly #leave: (socket: Socket) => void;
  readonly #fromClient: Lane;
  readonly #toClient: Lane;
  readonly #secrets = new Secrets();
  readonly #server: ServerRecords;
  readonly #client: RecordReader;
  #engine: TLSSocket | null = null;
  #gate: StallGate | null = null;
  #end: TlsEnd | null = null;
  /** The last bytes, while it is not known whether they are the close_notify that is to be left out. */
  readonly #tail = new ByteQueue();
  #alert: WaitingAlert | null = null;
  /** Our side was ended without the engine, which is not heard any more. */
  #parted = false;
  /** The socket takes no more at present. */
  #blocked = false;
  /** The engine takes no more at present. */
  #full = false;
  #writing: Done | null = null;
  #finishing: Done | null = null;
  #socketError: Error | null = null;

  constructor(socket: Socket, options: CarrierOptions = {}) {
    super({ allowHalfOpen: true, readableHighWaterMark: READ_AHEAD_BYTES });
    const { lane = straight, leave = endInOrder } = options;
    this.#socket = socket;
    this.#leave = leave;
    this.#server = new ServerRecords({
      secrets: this.#secrets,
      suite: () => suiteName(this.#engine),
    });
    this.#client = new RecordReader({
      began: (head) => {
        this.#gate?.fromClient(head);
        return false;
      },
      ended: () => undefined,
    });
    const reset = (): void => {
      this.destroy(this.#socketError ?? undefined);
    };
    this.#fromClient = lane({
      direction: "from_client",
      source: socket,
      sink: {
        write: (chunk) => this.#deliver(chunk),
        end: () => this.#parted || this.push(null),
        cork: () => undefined,
        uncork: () => undefined,
      },
      reset,
    });
    this.#toClient = lane({
      direction: "to_client",
      source: {
        pause: () => (this.#blocked = true),
        resume: () => {
          this.#blocked = false;
          this.#written();
        },
      },
      sink: {
        write: (chunk) => socket.write(chunk),
        end: () => {
          this.#endSocket();
        },
        cork: () => {
          socket.cork();
        },
        uncork: () => {
          socket.uncork();
        },
      },
      reset,
    });
    this.#listen();
  }

  // -- what faults do with it -----------------------------------------------------------------------

  /** Has the engine tell its secrets. To be called before its handshake begins. */
  learn(engine: TLSSocket): void {
    this.#engine = engine;
    engine.on("keylog", (line: Buffer) => {
      this.#secrets.learn(line);
    });
  }

  canEncryptAlerts(): Ability {
    if (this.#engine === null)
      return { able: false, reason: "the secrets of this connection were not asked for" };
    const alert = this.#server.alert("internal_error");
    return "reason" in alert ? { able: false, reason: alert.reason } : { able: true };
  }

  /**
   * Ends the connection with an alert behind all that the engine has handed over so far, encrypted where it would be; what a stall keeps
   * back is dropped. Where the engine is in the middle of a record, the alert follows that. Nothing of the engine goes out afterwards,
   * and what the client still sends is dropped: the engine can be destroyed. To have it behind certain data, wait for their callback.
   */
  sendAlert(name: AlertName, told: AlertTold = () => undefined): void {
    if (this.#parted || this.#alert !== null || this.destroyed || this.writableFinished) {
      told("our side of the connection has ended already");
      return;
    }
    this.#alert = { name, told };
    this.#finishRecord();
    // The engine goes on if it must finish a record first.
    this.#written();
  }

  /** Stops the server's part of the handshake there. `stalled` is called when it does, within the turn of the bytes that led to it. */
  stallAt(stall: Stall, stalled: () => void): void {
    this.#gate = new StallGate(stall, this.#server, stalled);
  }

  /** Lets go on what a stall holds back, for good. */
  goOn(): void {
    const gate = this.#gate;
    this.#gate = null;
    if (gate === null || this.#parted) return;
    this.#pass(gate.open());
    this.#written();
    this.#finishSoon();
  }

  /** How our side ends when the engine is ended. To be called right before that. */
  endsWith(end: TlsEnd): void {
    this.#end = end;
  }

  get socket(): Socket {
    return this.#socket;
  }

  /** Whole records so far: those that the client has been sent, or will be behind what is held by faults, and those that the engine was given. */
  get records(): { readonly toClient: number; readonly fromClient: number } {
    return { toClient: this.#server.count, fromClient: this.#client.count };
  }

  // -- from the client to the engine ---------------------------------------------------------------

  #listen(): void {
    const socket = this.#socket;
    socket
      .on("data", (chunk: Buffer) => {
        if (!this.#parted) this.#fromClient.data(chunk);
      })
      .on("end", () => {
        if (!this.#parted) this.#fromClient.end("fin");
      })
      .on("error", (error) => {
        this.#socketError = error;
        this.#toClient.sinkLost();
        this.#fromClient.end("reset");
      })
      .on("drain", () => {
        this.#toClient.drained();
      })
      .on("close", () => {
        this.#finished();
        // An error is on its way through the lane, behind bytes that may be held there.
        if (this.#socketError === null) this.destroy();
      });
  }

  #deliver(chunk: Buffer): boolean {
    if (this.#parted || this.destroyed) return true;
    this.#client.push(chunk);
    if (this.push(chunk)) return true;
    this.#full = true;
    return false;
  }

  override _read(): void {
    if (this.#full) {
      this.#full = false;
      this.#fromClient.drained();
    }
  }

  // -- from the engine to the client ---------------------------------------------------------------

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#out(chunk);
    this.#writing = done;
    this.#written();
  }

  override _writev(chunks: { readonly chunk: Buffer }[], done: Done): void {
    this.#socket.cork();
    for (const { chunk } of chunks) this.#out(chunk);
    this.#socket.uncork();
    this.#writing = done;
    this.#written();
  }

  #out(chunk: Buffer): void {
    if (this.#parted) return;
    const open = this.#gate === null ? chunk : this.#gate.toClient(chunk);
    this.#pass(open);
    if (this.#alert !== null) this.#finishRecord();
  }

  /** The engine may hand over more, unless the socket has enough or a stall holds something back. */
  #written(): void {
    const done = this.#writing;
    if (done === null) return;
    const held = this.#gate !== null && this.#gate.held > 0 && this.#alert === null;
    if ((this.#blocked || held) && !this.#parted) return;
    this.#writing = null;
    done();
  }

  #pass(chunk: Buffer): void {
    let rest = chunk;
    // Up to the end of the record that has begun, and if the alert can be made not a byte further.
    while (this.#alert !== null && rest.length > 0) {
      const part = rest.subarray(0, this.#server.missing);
      rest = rest.subarray(part.length);
      this.#sent(part);
      if (this.#server.missing === 0) this.#tryAlert(this.#alert);
    }
    if (!this.#parted) this.#sent(rest);
  }

  #sent(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#server.push(chunk);
    if (this.#end !== "without_notify") {
      this.#toClient.data(chunk);
      return;
    }
    this.#tail.add(chunk);
    const out = this.#tail.take(Math.max(0, this.#tail.length - this.#server.lastMayBeNotify));
    if (out.length > 0) this.#toClient.data(out);
  }

  /** Lets so much out of the gate that a record of ours may stand there. */
  #finishRecord(): void {
    while (this.#gate !== null && this.#gate.held > 0 && this.#server.missing > 0)
      this.#pass(this.#gate.take(this.#server.missing));
    if (this.#alert !== null && this.#server.missing === 0) this.#tryAlert(this.#alert);
  }

  #tryAlert({ name, told }: WaitingAlert): void {
    this.#alert = null;
    const made = this.#server.alert(name);
    if ("record" in made) {
      this.#parted = true;
      this.#gate = null;
      this.#toClient.data(Buffer.concat([this.#tail.take(Infinity), made.record]));
      this.#toClient.end("fin");
    }
    told("reason" in made ? made.reason : null);
  }

  override _final(done: Done): void {
    this.#finishing = done;
    this.#finishSoon();
  }

  #finishSoon(): void {
    if (this.#finishing === null || this.#gate?.isShut === true || this.#parted) return;
    // Its FIN would be the end: the client is told of the end, and the connection stays until it leaves, or we are destroyed.
    if (this.#end === "notify_and_stay") return;
    this.#tail.take(Infinity);
    this.#toClient.end("fin");
  }

  #endSocket(): void {
    if (this.#parted) this.#leave(this.#socket);
    else
      this.#socket.end(() => {
        this.#finished();
      });
  }

  #finished(): void {
    const done = this.#finishing;
    this.#finishing = null;
    done?.();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#secrets.forget();
    this.#gate = null;
    this.#tail.take(Infinity);
    this.#alert?.told("the connection was destroyed before");
    this.#alert = null;
    if (!this.#parted && !this.#socket.destroyed) this.#socket.destroy();
    done(error);
  }
}

/** Behind what was written; the client may take its time to end its own side. */
function endInOrder(socket: Socket): void {
  socket.end();
  socket.resume();
}

/** Null before a suite is agreed upon, and where there is no engine any more. */
function suiteName(engine: TLSSocket | null): string | null {
  if (engine === null || engine.destroyed) return null;
  // Node says null before there is one, which its types do not know.
  const cipher = engine.getCipher() as { readonly standardName?: string } | null | undefined;
  return cipher?.standardName ?? null;
}
