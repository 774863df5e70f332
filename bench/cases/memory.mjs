/** What an idle connection costs: resident memory of a fresh process before and after many were opened. */
import { residentBytes, sleep, startWorker } from "../lib/processes.mjs";
import { interleave } from "../lib/rounds.mjs";
import { smallServer } from "../servers/nginx.mjs";
import { plain } from "./lanes.mjs";

const CONNECTIONS = 8_000;
const CONNECTIONS_QUICK = 1_000;
/** Opened and closed again first, so that code and pools are there already. */
const WARM_UP = 300;
const TLS_CONNECTIONS = 1_000;
const TLS_CONNECTIONS_QUICK = 200;
/** Of what the bare relay takes. */
const TIMES_MAX = 1.2;
const SETTLE_MS = 1_500;
const SETTLE_QUICK_MS = 300;
const ROUNDS_MAX = 3;
const MAX_KB = 16;

export const memory = memoryCase("memory", {
  title: "resident memory for each idle connection",
  counts: { whole: CONNECTIONS, quick: CONNECTIONS_QUICK },
  contenders: ({ squall, haproxy, nginxStream, toxiproxy, pipe }) => [
    squall,
    haproxy,
    nginxStream,
    toxiproxy,
    pipe,
  ],
  claims: (results, { squall }) => [
    results.atMost(MAX_KB, "kB", squall.name, { key: "growth", text: `${squall.name}, growth` }),
  ],
});

export const tlsMemory = memoryCase("tls-memory", {
  title: "resident memory for each idle connection over TLS",
  counts: { whole: TLS_CONNECTIONS, quick: TLS_CONNECTIONS_QUICK },
  secure: true,
  contenders: ({ squallTls, squallTlsHttp, tlsPipe, haproxyTls, nginxTls }) => [
    squallTls,
    squallTlsHttp,
    tlsPipe,
    haproxyTls,
    nginxTls,
  ],
  claims: (results, { squallTls, squallTlsHttp, tlsPipe }) => [
    results.atMostTimes(TIMES_MAX, squallTls.name, tlsPipe.name, { key: "growth" }),
    results.atMostTimes(TIMES_MAX, squallTlsHttp.name, tlsPipe.name, { key: "growth" }),
  ],
});

/** `secure`: over TLS, and what is understood of it is HTTP. */
function memoryCase(name, { title, counts, secure = false, contenders, claims }) {
  return {
    name,
    title,
    async run(lab) {
      const count = lab.quick ? counts.quick : counts.whole;
      const settle = lab.quick ? SETTLE_QUICK_MS : SETTLE_MS;
      const server = await lab.use(secure ? smallServer(lab) : startWorker("servers/echo.mjs"));
      const client = await lab.use(startWorker("loads/connections.mjs"));
      const entries = plain(contenders(lab.contenders));
      const lanes = entries.map(({ name: lane, contender }) =>
        contender.missing !== null
          ? { name: lane, missing: contender.missing }
          : {
              name: lane,
              async measure() {
                const relay = await contender.start({ lab, upstreamPort: server.port });
                try {
                  return await measure(relay, client, { count, settle, secure });
                } finally {
                  await client.ask("close");
                  await relay.stop();
                }
              },
            },
      );
      const results = await interleave(
        { ...lab, rounds: Math.min(ROUNDS_MAX, lab.rounds), warmUp: 0, seconds: 0 },
        lanes,
      );
      return {
        rows: entries.flatMap(({ name: lane }) => [
          results.row({ lane, key: "growth", name: `${lane}, growth`, unit: "kB" }),
          results.row({ lane, key: "whole", name: `${lane}, whole process`, unit: "kB" }),
        ]),
        claims: claims(results, lab.contenders),
        notes: [`${count} connections, one small exchange on each, then ${settle / 1000} s of quiet`],
        chart: (row) => row.endsWith("growth"),
      };
    },
  };
}

/**
 * kB for each connection. Free heap that a process has left over from its start takes in some connections
 * without any growth: the whole process, shared out among them, is what they cost at most.
 */
async function measure({ port, pid }, client, { count, settle, secure }) {
  await client.ask("open", { port, count: WARM_UP, secure });
  await client.ask("close");
  await sleep(settle);
  const before = residentBytes(pid);
  const open = await client.ask("open", { port, count, secure });
  if (open !== count) throw new Error(`${open} connections are open, not ${count}`);
  await sleep(settle);
  const after = residentBytes(pid);
  return { growth: (after - before) / count / 1000, whole: after / count / 1000 };
}
