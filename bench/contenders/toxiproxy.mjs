/** Toxiproxy's server: that of TOXIPROXY_SERVER, or else `toxiproxy-server` on PATH. Its toxics are set through its API. */
import { call } from "../lib/api.mjs";
import { has } from "../lib/machine.mjs";
import { freePort, startProgram } from "../lib/processes.mjs";

/** The program, or null. */
export function toxiproxyServer() {
  const named = process.env.TOXIPROXY_SERVER;
  if (named !== undefined && named !== "") {
    if (!has(named)) throw new Error(`TOXIPROXY_SERVER: ${named} cannot be run`);
    return named;
  }
  return has("toxiproxy-server") ? "toxiproxy-server" : null;
}

export function toxiproxy() {
  const program = toxiproxyServer();
  return {
    name: "Toxiproxy",
    missing: program === null ? "toxiproxy-server is not on PATH and TOXIPROXY_SERVER is not set" : null,
    start: (wanted) => start({ ...wanted, program }),
  };
}

/** `toxics` are as its API takes them. */
async function start({ upstreamPort, toxics = [], program }) {
  const adminPort = await freePort();
  const args = ["-host", "127.0.0.1", "-port", String(adminPort)];
  const server = await startProgram(program, args, { port: adminPort, role: "proxy" });
  try {
    const admin = `http://127.0.0.1:${adminPort}`;
    const port = await freePort();
    const [listen, upstream] = [port, upstreamPort].map((one) => `127.0.0.1:${one}`);
    await call(admin, "POST", "/proxies", { name: "jobs", listen, upstream, enabled: true });
    for (const toxic of toxics) await call(admin, "POST", "/proxies/jobs/toxics", toxic);
    return { ...server, admin, port };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
