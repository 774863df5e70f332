/** Faults on handshakes without sockets. */
import type { HandshakeFault, HandshakeInfo, Hello } from "../../src/faults/contract/index.js";
import { LANE } from "../../src/core/random.js";
import type { Armed } from "./stream-bench.js";

export const HELLO: Hello = {
  sni: "jobs.example",
  alpn: ["http/1.1"],
  versions: ["1.2", "1.3"],
  asksStatus: false,
  resumes: false,
};

/** The fault on one handshake; `hello` is what differs from a common one. */
export function handshakeOf(armed: Armed, ordinal = 0, hello: Partial<Hello> = {}): HandshakeFault {
  const info: HandshakeInfo = {
    id: ordinal + 1,
    client: { address: "127.0.0.1", port: 1 },
    bot: "b",
    acceptedAt: 0,
    live: false,
    attend: () => undefined,
    hello: { ...HELLO, ...hello },
  };
  const fault = armed.type.handshake?.(armed.scope(ordinal, LANE.subject), info);
  if (fault === undefined) throw new Error(`${armed.type.type} is not about handshakes`);
  return fault;
}
