/**
 * Upstream connections that outlive their client, or never had one: the answer to a request whose client was
 * lost is read to its end, and copies of a request are sent on connections of their own.
 */
import type { Socket } from "node:net";
import type { Clock, Timer } from "../../core/clock.js";
import { contained, type Owner } from "../../core/containment.js";
import type { Sight } from "../../pipeline/sight.js";
import { own, type SocketOwner } from "../socket-owner.js";
import type { Exchange } from "./exchange.js";
import type { Link } from "./link.js";
import type { ResponseHead } from "./head.js";
import type { MessageSink } from "./sink.js";
import type { Witness } from "./witness.js";

/** How long an upstream may take for an answer that nobody waits for. */
export const DETACHED_MAX_MS = 600_000;
/** How many such connections a proxy keeps at once. */
export const DETACHED_MAX = 1_000;

export interface DetachedHooks {
  readonly clock: Clock;
  /** Hears of mistakes of ours, which end the connection. */
  readonly mistakes: Owner;
  /** The head of an answer has come. */
  answered(exchange: Exchange, head: ResponseHead, copy: boolean): void;
  /** Every answer has come, or none will; called once. */
  over(): void;
}

/** For sockets that are about to be somebody's, or are nobody's any more. */
export const NOBODY: SocketOwner = {
  fromClient: () => undefined,
  fromUpstream: () => true,
  sourceEnded: () => undefined,
  broke: () => undefined,
  drained: () => undefined,
  socketClosed: () => undefined,
  failed: () => undefined,
};

export class Detached implements SocketOwner, MessageSink<ResponseHead> {
  readonly #link: Link;
  readonly #hooks: DetachedHooks;
  #deadline: Timer | null = null;
  #over = false;

  constructor(link: Link, hooks: DetachedHooks) {
    this.#link = link;
    this.#hooks = hooks;
  }

  /** Takes the connection over. What the link has kept may be all there is to come: it may be over within this call. */
  begin(): void {
    const link = this.#link;
    link.sink = this;
    own(link.socket, this);
    const { clock } = this.#hooks;
    const late = contained(this, () => {
      this.#end();
    });
    this.#deadline = clock.at(clock.now() + DETACHED_MAX_MS, late);
    if (link.over || link.awaited.length === 0) this.#end();
    else if (link.reader.stopped) link.resume();
    link.socket.resume();
  }

  destroy(): void {
    this.#end();
  }

  failed(error: unknown): void {
    this.#hooks.mistakes.failed(error);
    this.#link.socket.destroy();
    contained(this.#hooks.mistakes, () => {
      this.#end();
    })();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadline?.cancel();
    this.#link.socket.destroy();
    this.#hooks.over();
  }

  // -- the socket

  fromUpstream(_socket: Socket, chunk: Buffer): boolean {
    if (!this.#over) this.#link.push(chunk);
    return true;
  }

  sourceEnded(): void {
    this.#end();
  }

  broke(): void {
    this.#end();
  }

  socketClosed(): void {
    this.#end();
  }

  fromClient(): void {
    // There is none.
  }

  drained(): void {
    // What was written is all there is to write.
  }

  // -- the answers

  /** Sees what is recorded of the answer at hand. */
  get #witness(): Witness | null {
    const next = this.#link.awaited[0];
    return next === undefined || next.copy ? null : next.exchange.witness;
  }

  get #sight(): Sight | null {
    const next = this.#link.awaited[0];
    return next === undefined || next.copy ? null : next.exchange.sight;
  }

  head(head: ResponseHead): void {
    const next = this.#link.awaited[0];
    if (next !== undefined && !head.interim) this.#hooks.answered(next.exchange, head, next.copy);
  }

  messageEnd(): void {
    this.#witness?.answerEnd();
    this.#sight?.upstreamEnds("complete");
    this.#link.awaited.shift();
    if (this.#link.awaited.length === 0) this.#end();
  }

  upgraded(): void {
    this.#end();
  }

  refused(): void {
    this.#end();
  }

  ended(): void {
    this.#end();
  }

  blank(): void {
    // No part of an answer.
  }

  body(raw: Buffer, start: number, end: number): void {
    this.#witness?.answerBody(raw, start, end);
    this.#sight?.answerBytes(raw, start, end);
  }

  trailers(): void {
    // For nobody.
  }

  plain(): void {
    // For nobody.
  }

  foreign(): void {
    // Of servers, nothing else is known.
  }

  truncated(): void {
    // The end follows.
  }
}
