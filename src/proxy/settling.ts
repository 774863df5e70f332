/**
 * Whether a client that has ended its side takes what it is still sent. A FIN may be a half-close, and nothing tells one from
 * a client that has closed but the RST with which the kernel of the latter answers the next bytes. A socket that has read
 * its end is not watched any more, so writing nothing is what brings that RST out, and only while our own FIN is not sent.
 */
import type { Socket } from "node:net";
import type { Clock, Timer } from "../core/clock.js";
import { probe } from "./upstream/reader.js";
import { contained, type Owner } from "../core/containment.js";

/** On this machine an RST is there when the write returns: a few turns are for what is still being written. */
const TURNS = 4;
/** From elsewhere it takes a round trip: when it is looked for, from one time to the next. 200 ms in all. */
const WAITS_MS = [1, 4, 15, 60, 120] as const;
const LOOPBACK = /^(?:::ffff:)?127\.|^::1$/u;

export class Settling {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #owner: Owner;
  #waiting: (() => void)[] = [];
  #round = 0;
  #running = false;
  #timer: Timer | null = null;

  /** `clock` is the owner's: what is called back pays for its own mistakes. */
  constructor(socket: Socket, clock: Clock, owner: Owner) {
    this.#socket = socket;
    this.#clock = clock;
    this.#owner = owner;
  }

  /** Calls back once it is known, or cannot be any more: an RST that came has been told as an error of the socket by then. */
  ask(done: () => void): void {
    this.#waiting.push(done);
    // What was written since is looked for as well.
    this.#round = 0;
    if (this.#running) return;
    this.#running = true;
    this.#probe();
  }

  /** Nobody is called back any more. */
  cancel(): void {
    this.#waiting = [];
    this.#timer?.cancel();
    this.#timer = null;
  }

  #probe(): void {
    const socket = this.#socket;
    if (socket.destroyed || !socket.writable) {
      this.#done();
      return;
    }
    probe(socket, (error) => {
      if (error) this.#done();
      else this.#again();
    });
  }

  #again(): void {
    const next = (): void => {
      this.#timer = null;
      this.#probe();
    };
    const round = this.#round++;
    if (LOOPBACK.test(this.#socket.remoteAddress ?? "")) {
      if (round < TURNS) setImmediate(next);
      else this.#done();
      return;
    }
    const wait = WAITS_MS[round];
    if (wait === undefined) this.#done();
    else this.#timer = this.#clock.at(this.#clock.now() + wait, next);
  }

  #done(): void {
    this.#running = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    // The socket tells its error in a turn of its own.
    if (waiting.length > 0)
      setImmediate(
        contained(this.#owner, () => {
          for (const done of waiting) done();
        }),
      );
  }
}
