/** What the dashboard costs: a page that was never opened, one that was open and is closed, and one that is open, with its exchanges. */
import { setTimeout as sleep } from "node:timers/promises";
import { smallLoad } from "../loads/wrk.mjs";
import { smallServer } from "../servers/nginx.mjs";
import { compare, REQUESTS } from "./throughput.mjs";

const CONNECTIONS = 50;
/** What was counted is kept for 5 s when the last reader has left. */
const LINGER_MS = 6_000;
const CLOSED_MIN = 0.97;
const OPEN_MIN = 0.9;

export const watched = watchedCase("watched", ({ squall }) => squall, "a relay of bytes");
export const watchedHttp = watchedCase("watched-http", ({ squallHttp }) => squallHttp, "an HTTP proxy");

function watchedCase(name, contenderOf, what) {
  return {
    name,
    title: `small JSON answers over ${CONNECTIONS} keep-alive connections through ${what}, while its dashboard is open or not`,
    async run(lab) {
      const server = await lab.use(smallServer(lab));
      const load = await lab.use(smallLoad(lab));
      const contender = contenderOf(lab.contenders);
      const never = contender;
      const closed = { ...contender, name: `${contender.name}, page closed`, start: startClosed(contender) };
      const open = { ...contender, name: `${contender.name}, page open`, start: startOpen(contender) };
      const { rows, results } = await compare(lab, {
        ...REQUESTS,
        entries: [never, closed, open].map((one) => ({ name: one.name, contender: one })),
        upstreamPort: server.port,
        base: never.name,
        server,
        load,
        measure: (port, seconds) => load.measure(port, seconds, { connections: CONNECTIONS }),
      });
      return {
        rows,
        claims: [
          results.atLeast(CLOSED_MIN, closed.name, never.name),
          results.atLeast(OPEN_MIN, open.name, never.name),
        ],
        notes: [`${load.name}, against ${server.name}; the page reads /live?exchanges=true`],
      };
    },
  };
}

function startClosed(contender) {
  return async (wanted) => {
    const program = await contender.start(wanted);
    const page = await openPage(program.admin);
    await sleep(1_000);
    await page.close();
    await sleep(LINGER_MS);
    return program;
  };
}

function startOpen(contender) {
  return async (wanted) => {
    const program = await contender.start(wanted);
    const page = await openPage(program.admin);
    return {
      ...program,
      stop: async () => {
        await page.close();
        await program.stop();
      },
    };
  };
}

/** Reads all that comes, as a page does. */
async function openPage(admin) {
  const abort = new AbortController();
  const response = await fetch(`${admin}/live?exchanges=true`, { signal: abort.signal });
  if (!response.ok) throw new Error(`/live answers ${response.status}`);
  const read = (async () => {
    try {
      for await (const _ of response.body);
    } catch {
      // It was closed.
    }
  })();
  return {
    close: async () => {
      abort.abort();
      await read;
    },
  };
}
