/**
 * What Node itself offers where TLS ends: a server that answers by itself, over `node:tls` and over `node:https`; a relay that pipes
 * what it decrypts to a TCP server; and one that asks an HTTP server for each request.
 */
import { has } from "../lib/machine.mjs";
import { certificate } from "../lib/certificate.mjs";
import { startWorker } from "../lib/processes.mjs";
import { ANSWER } from "../servers/nginx.mjs";
import { profiling } from "./profiling.mjs";

export const tlsServer = () => contender("node:tls server", "tls-server", [ANSWER]);
/** Squall prefers this suite as well, which costs both sides less. */
export const tlsServerAlike = () =>
  contender("node:tls server, AES-128", "tls-server", [ANSWER, "TLS_AES_128_GCM_SHA256"]);
export const httpsServer = () => contender("node:https server", "https-server", [ANSWER]);
export const tlsPipe = () => contender("node:tls, pipe()", "tls-relay");
export const httpsRelay = () => contender("node:https, http.request()", "https-relay");

function contender(name, program, also = []) {
  return {
    name,
    missing: has("openssl") ? null : "openssl is not on PATH",
    start: ({ lab, upstreamPort }) => {
      const { cert, key } = certificate(lab);
      return startWorker(`contenders/${program}.mjs`, [upstreamPort, cert, key, ...also], {
        execArgv: profiling(lab, program),
        role: "proxy",
      });
    },
  };
}
