/** Who hears of a socket: handlers that all connections share, which find their owner by a property of the socket. */
import type { Socket } from "node:net";
import type { Owner } from "../core/containment.js";
import type { Direction } from "../faults/contract/index.js";
import type { Overdue } from "../pipeline/overdue.js";
import { readShared } from "./upstream/reader.js";

/** The connection that a socket belongs to: a property, so that handlers are shared and not made for each. */
const OWNER = Symbol("connection");

type Owned = Socket & { [OWNER]?: SocketOwner | undefined };

/** Whoever hears of a socket. A direction is named by its source: `upstream` is the client's. */
export interface SocketOwner extends Owner {
  /** What is looked at before it hears anything. */
  readonly overdue?: Overdue | undefined;
  /** Bytes of the client. */
  fromClient(chunk: Buffer): void;
  /** Bytes of an upstream; true if nobody needs them any more. */
  fromUpstream(socket: Socket, chunk: Buffer): boolean;
  sourceEnded(direction: Direction, socket: Socket): void;
  broke(direction: Direction, socket: Socket, error: NodeJS.ErrnoException): void;
  /** There is room again in the socket that this direction writes to. */
  drained(direction: Direction, socket: Socket): void;
  socketClosed(socket: Socket): void;
}

function ownerOf(socket: Socket): SocketOwner | undefined {
  return (socket as Owned)[OWNER];
}

/** Who hears of what has come, behind all that was to happen before. */
function hearerOf(socket: Socket): SocketOwner | undefined {
  const owner = ownerOf(socket);
  if (owner?.overdue?.passed !== true) return owner;
  owner.overdue.look();
  return ownerOf(socket);
}

/** The socket's handlers, set by whoever attached it first, tell this one from now on. */
export function own(socket: Socket, owner: SocketOwner): void {
  (socket as Owned)[OWNER] = owner;
}

/** Sets the handlers of a client's socket, all but those that read it. */
export function adoptClient(socket: Socket, owner: SocketOwner): void {
  own(socket, owner);
  socket.on("error", onClientError).on("close", onSocketClose).on("end", onClientEnd);
}

/** Its owner hears of bytes from now on, and of room for more. */
export function readClient(socket: Socket): void {
  readShared(socket, takeFromClient);
  // Without that it is told of its bytes so.
  socket.on("data", onClientData).on("drain", onClientDrain);
}

/** Sets the handlers of an upstream socket. */
export function adoptUpstream(socket: Socket, owner: SocketOwner): void {
  own(socket, owner);
  socket.on("error", onUpstreamError).on("close", onSocketClose).on("end", onUpstreamEnd);
  socket.on("drain", onUpstreamDrain);
}

// Handlers shared by all connections; `this` is the socket. What they throw is contained here, once for all owners.

function onClientData(this: Socket, chunk: Buffer): void {
  const owner = hearerOf(this);
  try {
    owner?.fromClient(chunk);
  } catch (error) {
    owner?.failed(error);
  }
}

/** Whoever has them may keep them: large ones are in a buffer of their own. */
function takeFromClient(socket: Socket, chunk: Buffer): boolean {
  onClientData.call(socket, chunk);
  return false;
}

function onClientEnd(this: Socket): void {
  attempt(this, (owner) => {
    owner.sourceEnded("upstream", this);
  });
}

function onUpstreamEnd(this: Socket): void {
  attempt(this, (owner) => {
    owner.sourceEnded("downstream", this);
  });
}

function onClientDrain(this: Socket): void {
  attempt(this, (owner) => {
    owner.drained("downstream", this);
  });
}

function onUpstreamDrain(this: Socket): void {
  attempt(this, (owner) => {
    owner.drained("upstream", this);
  });
}

function onClientError(this: Socket, error: Error): void {
  attempt(this, (owner) => {
    owner.broke("upstream", this, error);
  });
}

function onUpstreamError(this: Socket, error: Error): void {
  attempt(this, (owner) => {
    owner.broke("downstream", this, error);
  });
}

function onSocketClose(this: Socket): void {
  attempt(this, (owner) => {
    owner.socketClosed(this);
  });
  (this as Owned)[OWNER] = undefined;
}

function attempt(socket: Socket, run: (owner: SocketOwner) => void): void {
  const owner = hearerOf(socket);
  if (owner === undefined) return;
  try {
    run(owner);
  } catch (error) {
    owner.failed(error);
  }
}

/** Takes what upstream sockets read; for `dial`. */
export function takeFromUpstream(socket: Socket, chunk: Buffer): boolean {
  const owner = hearerOf(socket);
  if (owner === undefined) return true;
  try {
    return owner.fromUpstream(socket, chunk);
  } catch (error) {
    owner.failed(error);
    return true;
  }
}
