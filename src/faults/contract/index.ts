/**
 * The fault contract: with core/, ./kit and ./params the only module that a file in kinds/ imports.
 *
 * A fault is pure. It opens no socket, arms no timer, awaits nothing and reads no global clock or
 * generator: it is told what happened and says what should happen. Whatever touches the world -
 * reading, writing, waiting, counting - is done in one place for each seam, by pipeline/ and proxy/.
 *
 * How the seams beyond connections and bytes came to look as they do is told in docs/decisions/0003-later-seams.md.
 */
export * from "./verdicts.js";
export * from "./scope.js";
export * from "./listener.js";
export * from "./connection.js";
export * from "./handshake.js";
export * from "./stream.js";
export * from "./exchange.js";
export * from "./datagram.js";
export * from "./query.js";
export * from "./upstreams.js";
export * from "./kernel.js";
export * from "./runtime.js";
export * from "./descriptor.js";
