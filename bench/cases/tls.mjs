/** Where TLS ends: what handshakes, small exchanges, and bodies cost beside what Node itself offers, and beside HAProxy and nginx. */
import { handshakeLoad, handshakes, orderlyHandshakes, orderlyLoad } from "../loads/handshakes.mjs";
import { smallLoad } from "../loads/wrk.mjs";
import { smallServer } from "../servers/nginx.mjs";
import { startWorker } from "../lib/processes.mjs";
import { plain } from "./lanes.mjs";
import { BYTES, compare, REQUESTS } from "./throughput.mjs";

const CONNECTIONS = 50;
const BODY_BYTES = 64 * 1024;
const BODY_CONNECTIONS = 16;

const HANDSHAKES = { ...REQUESTS, unit: "handshakes/s" };
const CONNECTIONS_MADE = { ...REQUESTS, unit: "connections/s" };

/** V8 compiles for some 20,000 connections until a proxy costs what it costs from then on, and forgets some of it in a quiet time. */
const WARM_UP_SECONDS = 25;
const LEAD_IN_SECONDS = 3;

const DIALLING = [
  "the servers of Node answer by themselves",
  "HAProxy and nginx keep their connections to the server; Squall and the relays of Node dial anew for each client",
];

export const tlsHandshakes = connectionCase("tls-handshakes", {
  title: "whole handshakes (TLS 1.3), and then the end of both sides",
  figures: HANDSHAKES,
  load: orderlyLoad,
  measure: orderlyHandshakes,
  alike: ({ tlsServerAlike }) => [tlsServerAlike],
  claims: (results, { squallTlsHttp, squallTls, tlsServer, tlsServerAlike, tlsPipe }) => [
    results.atLeast(0.9, squallTlsHttp.name, tlsServer.name),
    results.atLeast(0.9, squallTlsHttp.name, tlsServerAlike.name),
    results.atLeast(0.9, squallTls.name, tlsPipe.name),
  ],
  notes: ["Over TCP the server is dialled when the handshake is over, over HTTP when there is a request"],
});

export const tlsConnections = connectionCase("tls-connections", {
  title: "connections with a whole handshake (TLS 1.3), one small request, and the end",
  claims: (results, { squallTlsHttp, squallTls, httpsRelay, tlsPipe }) => [
    results.atLeast(0.9, squallTlsHttp.name, httpsRelay.name),
    results.atLeast(0.9, squallTls.name, tlsPipe.name),
  ],
});

export const tlsResumed = connectionCase("tls-resumed", {
  title: "connections with a resumed handshake (TLS 1.3), one small request, and the end",
  resumed: true,
});

function connectionCase(
  name,
  {
    title,
    figures = CONNECTIONS_MADE,
    load = handshakeLoad,
    measure = handshakes,
    resumed = false,
    alike = () => [],
    claims = () => [],
    notes = DIALLING,
  },
) {
  return {
    name,
    title,
    async run(lab) {
      const server = await lab.use(smallServer(lab));
      const { squallTls, squallTlsHttp, haproxyTls, nginxTls, tlsServer, httpsServer, httpsRelay, tlsPipe } =
        lab.contenders;
      const bare = [tlsServer, httpsServer, httpsRelay, tlsPipe];
      if (load.missing !== null) throw new Error(load.missing);
      const isQuick = lab.warmUp === 0;
      const { rows, results } = await compare(lab, {
        ...figures,
        entries: plain([...alike(lab.contenders), squallTlsHttp, ...bare, squallTls, haproxyTls, nginxTls]),
        upstreamPort: server.port,
        base: squallTlsHttp.name,
        server,
        load: { pid: null },
        warmUp: isQuick ? 0 : WARM_UP_SECONDS,
        measure: (port, seconds) =>
          measure(port, seconds, { resumed, leadIn: isQuick ? 0 : LEAD_IN_SECONDS }),
      });
      return {
        rows,
        claims: claims(results, lab.contenders),
        notes: [`${load.name}, against ${server.name}`, ...notes],
      };
    },
  };
}

export const tlsRequests = {
  name: "tls-requests",
  title: `small JSON answers over ${CONNECTIONS} keep-alive connections, over TLS`,
  async run(lab) {
    const server = await lab.use(smallServer(lab));
    const load = await lab.use(smallLoad(lab));
    const { squallTls, squallTlsHttp, tlsPipe, httpsRelay, haproxyTls, nginxTls, squallHttp } =
      lab.contenders;
    const ask = (port, seconds, secure) =>
      load.measure(port, seconds, { path: "/v1/jobs/next", connections: CONNECTIONS, secure });
    const { rows, results } = await compare(lab, {
      ...REQUESTS,
      entries: [
        ...plain([squallTlsHttp, squallTls, tlsPipe, httpsRelay, haproxyTls, nginxTls]),
        {
          name: `${squallHttp.name}, without TLS`,
          contender: squallHttp,
          measure: (port, seconds) => ask(port, seconds, false),
        },
      ],
      upstreamPort: server.port,
      base: squallTlsHttp.name,
      server,
      load,
      measure: (port, seconds) => ask(port, seconds, true),
    });
    return {
      rows,
      claims: [
        results.atLeast(0.9, squallTls.name, tlsPipe.name),
        results.atLeast(0.9, squallTlsHttp.name, tlsPipe.name),
      ],
      notes: [`${load.name}, against ${server.name}`],
    };
  },
};

export const tlsAnswers = {
  name: "tls-answers-64k",
  title: `answers of 64 KiB, one after the other on each of ${BODY_CONNECTIONS} keep-alive connections, over TLS`,
  async run(lab) {
    const server = await lab.use(startWorker("servers/bodies.mjs", [BODY_BYTES]));
    const load = await lab.use(smallLoad(lab));
    const { squallTls, squallTlsHttp, tlsPipe, haproxyTls, nginxTls } = lab.contenders;
    const { rows, results } = await compare(lab, {
      ...BYTES,
      entries: plain([squallTlsHttp, squallTls, tlsPipe, haproxyTls, nginxTls]),
      upstreamPort: server.port,
      base: squallTlsHttp.name,
      server,
      load,
      async measure(port, seconds) {
        const wanted = { path: "/body", connections: BODY_CONNECTIONS, secure: true };
        const { rate, work, ...found } = await load.measure(port, seconds, wanted);
        return { ...found, rate: (rate * BODY_BYTES) / 1e6, work: work * BODY_BYTES };
      },
    });
    return {
      rows,
      claims: [
        results.atLeast(0.9, squallTls.name, tlsPipe.name),
        results.atLeast(0.9, squallTlsHttp.name, tlsPipe.name),
      ],
      notes: [load.name],
    };
  },
};
