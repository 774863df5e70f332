/**
 * A port that answers no SYN, for anybody and without privileges: a thread listens with the shortest queue there is, fills
 * it itself, and sleeps. The kernel drops every SYN that finds the queue full, so that clients try again and again, and
 * get in when somebody listens in earnest.
 */
import { platform } from "node:os";
import { Worker } from "node:worker_threads";
import type { Bound, ListenAddress } from "../port.js";

/**
 * Binds, fills and falls asleep without turning its loop in between: a turn would accept those that fill the queue. A
 * connection to oneself is made within the call. The kernel lets one more wait than the backlog says.
 */
const SLEEPER = `
  const { parentPort, workerData: lock } = require("node:worker_threads");
  const { connect, createServer } = require("node:net");
  parentPort.once("message", (address) => {
    const server = createServer();
    server.once("error", (error) => {
      parentPort.postMessage({ failed: { message: error.message, code: error.code } });
      parentPort.close();
    });
    server.listen({ ...address, backlog: 1 }, () => {
      const { address: host, port } = server.address();
      const near = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
      const fillers = [1, 2, 3].map(() => connect({ host: near, port }).on("error", () => undefined));
      // Behind the attempts to connect, and before the next turn.
      queueMicrotask(() => queueMicrotask(() => {
        parentPort.postMessage({ bound: { host, port } });
        Atomics.wait(lock, 0, 0);
        server.close();
        for (const filler of fillers) filler.destroy();
        parentPort.postMessage({ closed: true });
        parentPort.close();
      }));
    });
  });
  parentPort.postMessage({ ready: true });
`;

interface Told {
  readonly ready?: true;
  readonly bound?: ListenAddress;
  readonly failed?: { readonly message: string; readonly code?: string };
  readonly closed?: true;
}

/** Whether the kernel here drops SYNs for a full queue; others refuse them or let them in. */
export function canBeSilent(): boolean {
  return platform() === "linux";
}

export class Silence {
  readonly #worker: Worker;
  readonly #lock = new Int32Array(new SharedArrayBuffer(4));
  /** Resolves when the port is free again, or never was taken. */
  readonly over: Promise<void>;
  #open = false;
  #woken = false;
  #tell: (told: Told) => void = () => undefined;

  private constructor() {
    this.#worker = new Worker(SLEEPER, { eval: true, workerData: this.#lock });
    // A thread that sleeps is no reason for a process to stay.
    this.#worker.unref();
    this.over = new Promise((resolve) => {
      this.#worker.on("message", (told: Told) => {
        if (told.closed === true) resolve();
        this.#tell(told);
      });
      this.#worker.on("error", (error) => {
        this.#tell({ failed: { message: error.message } });
      });
      this.#worker.on("exit", () => {
        this.#open = false;
        resolve();
        this.#tell({ failed: { message: "the thread that should keep the port silent has ended" } });
      });
    });
  }

  /** A thread that is about to listen: starting it takes longer than the gap between two listeners may be. */
  static prepare(): Promise<Silence> {
    const silence = new Silence();
    return new Promise((resolve, reject) => {
      silence.#tell = ({ failed }) => {
        if (failed === undefined) resolve(silence);
        else reject(new Error(failed.message));
      };
    });
  }

  /** Rejects with the system's error if the address cannot be had. */
  bind({ host, port }: ListenAddress, trouble: (error: Error) => void): Promise<Bound> {
    return new Promise((resolve, reject) => {
      this.#tell = ({ bound, failed }) => {
        if (failed !== undefined) reject(Object.assign(new Error(failed.message), { code: failed.code }));
        if (bound === undefined) return;
        this.#open = true;
        this.#tell = (told) => {
          if (this.#woken || told.failed === undefined) return;
          // An error and the end of the thread that comes of it are one trouble.
          this.#tell = () => undefined;
          trouble(new Error(told.failed.message));
        };
        const isOpen = (): boolean => this.#open;
        resolve({
          address: bound,
          get open() {
            return isOpen();
          },
          close: () => {
            this.wake();
          },
        });
      };
      this.#worker.postMessage({ port, ...(host === "" ? {} : { host }) });
    });
  }

  /** Lets the port go. */
  wake(): void {
    this.#open = false;
    this.#woken = true;
    Atomics.store(this.#lock, 0, 1);
    Atomics.notify(this.#lock, 0);
  }

  /** Ends one that never was bound. */
  discard(): void {
    void this.#worker.terminate();
  }
}
