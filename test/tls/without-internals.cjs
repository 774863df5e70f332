/**
 * Makes this Node one that lacks what Squall uses of it and its documentation does not promise: for `node --require`. Node's own
 * clients and servers keep what they need of it.
 */
"use strict";
const net = require("node:net");
const { TLSSocket } = require("node:tls");

const init = TLSSocket.prototype._init;
TLSSocket.prototype._init = function (...words) {
  init.apply(this, words);
  const handle = this._handle;
  if (handle === null || handle === undefined || this._tlsOptions.isServer !== true) return;
  handle.verifyError = undefined;
  handle.enableKeylogCallback = () => undefined;
  handle.setOCSPResponse = () => undefined;
};

// By these symbols sockets that were accepted are told where to read into.
const symbolsOf = Object.getOwnPropertySymbols;
Object.getOwnPropertySymbols = (of) => (of instanceof net.Socket ? [] : symbolsOf(of));

const server = net.createServer().listen(0, "127.0.0.1", () => {
  Object.defineProperty(Object.getPrototypeOf(server._handle), "fd", { get: () => undefined });
  server.close();
});
