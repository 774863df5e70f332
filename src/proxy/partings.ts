/** How a socket is left: by an RST or a FIN, behind the bytes that were let through, and not for ever. */
import type { Socket } from "node:net";
import type { Clock, Timer } from "../core/clock.js";
import { resetSocket } from "./upstream/reader.js";

/** How long a closed connection may take to get its last bytes out: a peer that reads slowly must get them all. */
const FLUSH_MAX_MS = 30_000;
/** How long a reset may be late for bytes that are still to go out: a peer that does not read them is not waited for. */
const RESET_MAX_MS = 2_000;
/** How long the FIN of a peer that has been sent ours is waited for. */
export const LINGER_MAX_MS = 800;

/** Calls back when nothing more is to be learnt of the peer before it is sent the end. */
type Before = (then: () => void) => void;

/** An RST. Bytes that were let through before the cut must arrive; a peer that does not read them is not waited for. */
export function resetSoon(socket: Socket, clock: Clock, before: Before | null): void {
  if (socket.writableLength === 0 && before === null) {
    resetSocket(socket);
    return;
  }
  const late = clock.at(clock.now() + RESET_MAX_MS, () => {
    resetSocket(socket);
  });
  const reset = (): void => {
    late.cancel();
    if (!socket.destroyed) resetSocket(socket);
  };
  if (before !== null) {
    socket.once("close", reset);
    before(reset);
  } else if (socket.writableEnded) {
    socket.once("finish", reset).once("close", reset);
  } else {
    socket.write("", reset);
  }
}

/**
 * FIN after the bytes that were let through. What the peer still sends is read and thrown away for a while, since an
 * RST that comes at once could cost it the tail of its answer (RFC 9112 9.6). Then it gets one if it `refuses` to hear the end,
 * as it would get from the kernel of a peer that has closed.
 */
export function closeSoon(socket: Socket, clock: Clock, before: Before | null, refuses: () => boolean): void {
  const leave = (): void => {
    if (refuses()) resetSocket(socket);
    else socket.destroy();
  };
  if (socket.writableFinished) {
    // It was sent its FIN before, and has had its time.
    leave();
    return;
  }
  const end = (): void => {
    socket.end();
  };
  if (before === null) end();
  else before(end);
  socket.resume();
  const wait = (time: number): Timer => clock.at(clock.now() + time, leave);
  let late = wait(FLUSH_MAX_MS);
  socket.once("finish", () => {
    late.cancel();
    late = wait(LINGER_MAX_MS);
  });
  socket.once("close", () => {
    late.cancel();
  });
}
