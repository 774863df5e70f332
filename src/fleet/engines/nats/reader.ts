/**
 * What the client library does with bytes that are no NATS, as where something between spoils them: it prints `reader closed` on standard
 * output, which is not its own, and reads no more, so that a connection of which nothing will ever come looks alive until its pings are over.
 */
import type { ProtocolHandler } from "@nats-io/transport-node";
import { harmless } from "../../../telemetry/entry.js";

/** Of the bytes that the library could not read, for people. */
const WORDS_MAX = 120;

/** Ends the connection at once instead, with the reason; answers how to throw that, for who has dialled. */
export function watchReader(protocol: ProtocolHandler): () => void {
  let reason: Error | null = null;
  const broken = (error: unknown): void => {
    const words = error instanceof Error ? error.message : String(error);
    // Not as the cause: that is what would be told, as it is where the library has one.
    const broke = new Error(`what it sends is no NATS: ${harmless(words.slice(0, WORDS_MAX))}`);
    reason = broke;
    protocol.connectError?.(broke);
    void protocol.transport.close(broke);
  };
  // It has another parser for each connection, made just before it dials.
  const reset = protocol.resetOutbound.bind(protocol);
  protocol.resetOutbound = () => {
    reset();
    const { parser } = protocol;
    const parse = parser.parse.bind(parser);
    let isBroken = false;
    parser.parse = (bytes) => {
      if (isBroken) return;
      try {
        parse(bytes);
      } catch (error) {
        isBroken = true;
        broken(error);
      }
    };
  };
  return () => {
    if (reason !== null) throw reason;
  };
}
