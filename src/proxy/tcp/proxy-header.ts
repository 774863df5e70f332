/** Reads the PROXY protocol header that a balancer in front puts before the first byte of a connection. */
import type { Socket } from "node:net";
import type { Clock } from "../../core/clock.js";
import { contained, type Owner } from "../../core/containment.js";
import { ProxyHeaderParser } from "./proxy-protocol.js";

export type ProxyHeader =
  | { readonly source: { readonly address: string; readonly port: number } | null }
  | { readonly reason: string };

const HEADER_TIMEOUT_MS = 5_000;

/**
 * Calls `done` once. The bytes behind the header are put back, and the socket is paused again. `owner` pays for what goes
 * wrong in here.
 */
export function awaitProxyHeader(
  socket: Socket,
  clock: Clock,
  done: (header: ProxyHeader) => void,
  owner: Owner,
): void {
  const parser = new ProxyHeaderParser();
  const finish = (header: ProxyHeader): void => {
    timer.cancel();
    socket.off("data", onData).off("end", onEnd).off("error", onEnd).off("close", onEnd);
    socket.pause();
    done(header);
  };
  const onData = contained(owner, (chunk: Buffer): void => {
    const result = parser.push(chunk);
    if (result.state === "more") return;
    if (result.state === "invalid") {
      finish({ reason: result.reason });
      return;
    }
    socket.pause();
    if (result.rest.length > 0) socket.unshift(result.rest);
    finish({ source: result.source });
  });
  const onEnd = (): void => {
    socket.on("error", () => undefined);
    finish({ reason: "the connection ended before a PROXY protocol header came" });
  };
  const timer = clock.at(clock.now() + HEADER_TIMEOUT_MS, () => {
    finish({ reason: `no PROXY protocol header within ${HEADER_TIMEOUT_MS} ms` });
  });
  socket.on("data", onData).on("end", onEnd).on("error", onEnd).on("close", onEnd);
  socket.resume();
}
