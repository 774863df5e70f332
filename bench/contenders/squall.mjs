/** The daemon as it is shipped, with one proxy that relays bytes or understands HTTP, or does so behind TLS; faults are switched on through its API. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { call } from "../lib/api.mjs";
import { certificate } from "../lib/certificate.mjs";
import { freePort, startProgram } from "../lib/processes.mjs";
import { profiling } from "./profiling.mjs";

let started = 0;

export const squall = daemon("Squall", "tcp");
export const squallHttp = daemon("Squall, HTTP", "http");
export const squallTls = daemon("Squall, TLS", "tcp", { secure: true });
export const squallTlsHttp = daemon("Squall, TLS, HTTP", "http", { secure: true });

function daemon(name, scheme, { secure = false } = {}) {
  return { name, missing: null, start: (wanted) => start({ ...wanted, scheme, secure }) };
}

async function start({ lab, upstreamPort, faults = [], scheme, secure }) {
  const file = join(lab.folder, `squall-${started++}.yaml`);
  const port = await freePort();
  const config = {
    admin: { listen: "127.0.0.1:0" },
    watch: false,
    limits: { connections: 9_000, drain: "1s" },
    proxies: {
      jobs: {
        listen: `127.0.0.1:${port}`,
        upstream: `${scheme}://127.0.0.1:${upstreamPort}`,
        ...(secure ? { secure: { certificates: [shown(lab)] } } : {}),
      },
    },
  };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config));
  const args = [
    ...profiling(lab, `squall-${scheme}${secure ? "-tls" : ""}`),
    join(lab.dist, "main.js"),
    "serve",
    "--config",
    file,
  ];
  const program = await startProgram(process.execPath, [...args, "--log-format", "json"], {
    ready: (line) => (line.includes("is ready") ? /http:\/\/127\.0\.0\.1:\d+/u.exec(line)?.[0] : undefined),
    role: "proxy",
  });
  const admin = program.info;
  try {
    if (faults.length > 0) await call(admin, "PUT", "/active", { faults });
  } catch (error) {
    await program.stop();
    throw error;
  }
  return { ...program, admin, port };
}

/** As all show it: a client works longer on a certificate that a CA has signed, and what it does is part of every figure. */
function shown(lab) {
  const { cert, key } = certificate(lab);
  return { cert, key };
}
