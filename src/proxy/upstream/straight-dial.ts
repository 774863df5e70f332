/**
 * Dialling the one address that an upstream has, where it is given as such and no fault says anything of names: one attempt within
 * the time-out. There is nothing to race for, and nothing to ask DNS for. It is what most connections do.
 */
import type { Socket } from "node:net";
import type { Timer } from "../../core/clock.js";
import { isLocalLack } from "../local-lacks.js";
import { attempt, type DialFailure } from "./attempt.js";
import type { Dialling, DialOptions } from "./dialling.js";
import type { Runner } from "./race.js";
import type { Endpoint } from "./reader.js";

export class StraightDial implements Dialling, Runner<Socket, DialFailure> {
  readonly #to: Endpoint;
  readonly #options: DialOptions;
  readonly #done: (result: Socket | DialFailure) => void;
  #timer: Timer | null = null;
  #giveUp: (() => void) | null = null;
  #over = false;

  constructor(to: Endpoint, options: DialOptions, done: (result: Socket | DialFailure) => void) {
    this.#to = to;
    this.#options = options;
    this.#done = done;
  }

  begin(): void {
    const { host, port } = this.#to;
    const { clock, timeout, take, tls = null, descriptors, keepalive } = this.#options;
    this.#timer = clock.at(clock.now() + timeout, () => {
      this.#finish({
        reason: "upstream_timeout",
        text: `no connection to ${host}:${port} within ${timeout} ms`,
      });
    });
    this.#giveUp = attempt({ host, address: host, port, take, tls, descriptors, keepalive }, this);
  }

  won(socket: Socket): void {
    this.#giveUp = null;
    this.#options.book?.worked(this.#to.host);
    this.#finish(socket);
  }

  lost(failure: DialFailure): void {
    this.#giveUp = null;
    // What this machine lacks says nothing of the address.
    if (!isLocalLack(failure.reason)) this.#options.book?.failed(this.#to.host);
    this.#finish(failure);
  }

  progressed(): void {
    // Nobody waits for it to come further.
  }

  #finish(result: Socket | DialFailure): void {
    if (this.#over) return;
    this.cancel();
    this.#done(result);
  }

  cancel(): void {
    this.#over = true;
    this.#timer?.cancel();
    this.#giveUp?.();
    this.#giveUp = null;
  }
}
