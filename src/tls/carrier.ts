/**
 * What a TLS engine sits on where a fault needs its records: between the client's socket and `new TLSSocket(carrier, { isServer: true })`.
 * It counts records, stops the server's part of a handshake, writes alerts in the engine's name, and has room for pumps with faults.
 *
 *     socket ---------------- lane -> client's records -> engine
 *     socket <- lane <- outgoing (stalls, alerts) <------ engine
 *
 * Back-pressure passes through in both directions, and each direction ends by itself.
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { AlertName, Stall, TlsEnd } from "../faults/contract/index.js";
import { straight, type Lane, type MakeLane } from "./lane.js";
import { Outgoing, type AlertTold } from "./outgoing.js";
import { RecordReader } from "./records.js";
import { Secrets } from "./secrets.js";

export interface CarrierOptions {
  /** What stands in each direction between socket and engine. */
  readonly lane?: MakeLane;
  /** Ends a socket behind what was written to it, when the engine is out of the way: it is the caller's from then on. */
  readonly leave?: (socket: Socket) => void;
}

/** Whether an alert can be made that the client takes for the engine's own, where it would be encrypted. */
export type Ability = { readonly able: true } | { readonly able: false; readonly reason: string };

type Done = (error?: Error | null) => void;

/** As much as a socket reads at once. */
const READ_AHEAD_BYTES = 64 * 1024;

export class Carrier extends Duplex {
  readonly #socket: Socket;
  readonly #leave: (socket: Socket) => void;
  readonly #fromClient: Lane;
  readonly #toClient: Lane;
  readonly #secrets = new Secrets();
  readonly #outgoing: Outgoing;
  readonly #client: RecordReader;
  #engine: TLSSocket | null = null;
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
    const secrets = this.#secrets;
    this.#outgoing = new Outgoing(
      { secrets, suite: () => suiteName(this.#engine) },
      {
        out: (chunk) => {
          this.#toClient.data(chunk);
        },
        parted: () => {
          this.#toClient.end("fin");
        },
      },
    );
    this.#client = new RecordReader({
      began: (head) => {
        this.#outgoing.fromClient(head);
        return false;
      },
      ended: () => undefined,
    });
    const reset = (): void => {
      this.#fail();
    };
    this.#fromClient = lane({
      direction: "from_client",
      source: socket,
      sink: {
        write: (chunk) => this.#deliver(chunk),
        end: () => this.#outgoing.isParted || this.push(null),
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

  /** The engine that sits on it, which is to tell its secrets: to be called before its handshake begins. */
  carry(engine: TLSSocket): void {
    this.#engine = engine;
    engine.on("keylog", (line: Buffer) => {
      this.#secrets.learn(line);
    });
  }

  canEncryptAlerts(): Ability {
    if (this.#engine === null) return { able: false, reason: "no engine sits on it" };
    const alert = this.#outgoing.alert("internal_error");
    return "reason" in alert ? { able: false, reason: alert.reason } : { able: true };
  }

  /**
   * Ends the connection with an alert behind all that the engine has handed over so far, encrypted where it would be; what a stall keeps
   * back is dropped. Where the engine is in the middle of a record, the alert follows that. Nothing of the engine goes out afterwards,
   * and what the client still sends is dropped: the engine can be destroyed. To have it behind certain data, wait for their callback.
   */
  sendAlert(name: AlertName, told: AlertTold = () => undefined): void {
    const notified = this.#engine?.writableEnded === true && this.#outgoing.mayHaveNotified;
    if (notified || this.destroyed || this.writableFinished || this.#finishing !== null) {
      told("our side of the connection has ended already");
      return;
    }
    this.#outgoing.sendAlert(name, told);
    // The engine goes on if it must finish a record first.
    this.#written();
  }

  /** Stops the server's part of the handshake there. `stalled` is called when it does, within the turn of the bytes that led to it. */
  stallAt(stall: Stall, stalled: () => void): void {
    this.#outgoing.stallAt(stall, stalled);
  }

  /** Lets go on what a stall holds back, for good. */
  goOn(): void {
    this.#outgoing.goOn();
    this.#written();
    this.#finishSoon();
  }

  /** How our side ends when the engine is ended. To be called right before that. */
  endsWith(end: TlsEnd): void {
    this.#outgoing.endsWith(end);
  }

  get socket(): Socket {
    return this.#socket;
  }

  /** Whole records so far: those that the client has been sent, or will be behind what is held by faults, and those that the engine was given. */
  get records(): { readonly toClient: number; readonly fromClient: number } {
    return { toClient: this.#outgoing.records, fromClient: this.#client.count };
  }

  // -- from the client to the engine ---------------------------------------------------------------

  #listen(): void {
    const socket = this.#socket;
    socket
      .on("data", (chunk: Buffer) => {
        if (!this.#outgoing.isParted) this.#fromClient.data(chunk);
      })
      .on("end", () => {
        // Whoever still waits for the client's end hears of it, behind an alert too.
        if (this.#outgoing.isParted) this.push(null);
        else this.#fromClient.end("fin");
        this.#finishSoon();
      })
      .on("error", (error) => {
        this.#socketError = error;
        if (this.#outgoing.isParted) return;
        this.#toClient.sinkLost();
        this.#fromClient.end("reset");
      })
      .on("drain", () => {
        this.#toClient.drained();
      })
      .on("close", () => {
        this.#finished();
        // An error, or the client's last bytes and its end, may be held on their way through the lane.
        const inOrder = socket.readableEnded && socket.writableFinished;
        if (this.#outgoing.isParted || (this.#socketError === null && !inOrder)) this.destroy();
      });
  }

  /** The engine itself would tell nobody of an error of the stream below it: a server's says only what comes of records. */
  #fail(): void {
    const error = this.#socketError ?? undefined;
    if (this.#engine === null || this.#engine.destroyed) this.destroy(error);
    else this.#engine.destroy(error);
  }

  #deliver(chunk: Buffer): boolean {
    if (this.#outgoing.isParted || this.destroyed) return true;
    this.#client.push(chunk);
    if (this.push(chunk)) return true;
    this.#full = true;
    return false;
  }

  override _read(): void {
    if (!this.#full) return;
    this.#full = false;
    this.#fromClient.drained();
  }

  // -- from the engine to the client ---------------------------------------------------------------

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#outgoing.fromEngine(chunk);
    this.#writing = done;
    this.#written();
  }

  override _writev(chunks: { readonly chunk: Buffer }[], done: Done): void {
    this.#socket.cork();
    for (const { chunk } of chunks) this.#outgoing.fromEngine(chunk);
    this.#socket.uncork();
    this.#writing = done;
    this.#written();
  }

  /** The engine may hand over more, unless the socket has enough or a stall holds something back. */
  #written(): void {
    const done = this.#writing;
    if (done === null || ((this.#blocked || this.#outgoing.isHeld) && !this.#outgoing.isParted)) return;
    this.#writing = null;
    done();
  }

  override _final(done: Done): void {
    this.#finishing = done;
    this.#finishSoon();
  }

  #finishSoon(): void {
    if (this.#finishing === null || this.#outgoing.isShut || this.#outgoing.isParted) return;
    // Its FIN would be the end: the client is told of the end, and the connection stays until it leaves, or we are destroyed.
    if (this.#outgoing.end === "notify_and_stay" && !this.#socket.readableEnded) return;
    this.#outgoing.finish();
    this.#toClient.end("fin");
  }

  #endSocket(): void {
    if (this.#outgoing.isParted) this.#leave(this.#socket);
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
    this.#outgoing.close();
    this.#secrets.forget();
    const engine = this.#engine;
    this.#engine = null;
    // It would wait for the end of what it has written, for which nobody is left to ask.
    if (engine?.destroyed === false) engine.destroy();
    if (!this.#outgoing.isParted && !this.#socket.destroyed) this.#socket.destroy();
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
