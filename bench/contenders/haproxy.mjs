/** HAProxy with one thread, relaying bytes or understanding HTTP, or ending TLS and understanding HTTP. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { certificate } from "../lib/certificate.mjs";
import { has } from "../lib/machine.mjs";
import { freePort, startProgram } from "../lib/processes.mjs";

export const haproxy = () => contender("HAProxy", "tcp");
export const haproxyHttp = () => contender("HAProxy, HTTP", "http");
export const haproxyTls = () => contender("HAProxy, TLS, HTTP", "http", ["openssl"]);

function contender(name, mode, also = []) {
  const lacking = ["haproxy", ...also].find((program) => !has(program));
  return {
    name,
    missing: lacking === undefined ? null : `${lacking} is not on PATH`,
    start: (wanted) => start({ ...wanted, mode, secure: also.length > 0 }),
  };
}

async function start({ lab, upstreamPort, mode, secure }) {
  const tls = secure ? ` ssl crt ${certificate(lab).pair} alpn http/1.1` : "";
  const port = await freePort();
  const file = join(lab.folder, `haproxy-${port}.cfg`);
  writeFileSync(
    file,
    `global
  nbthread 1
  maxconn 9000
defaults
  mode ${mode}
  timeout connect 5s
  timeout client 600s
  timeout server 600s
frontend in
  bind 127.0.0.1:${port} backlog 4096${tls}
  default_backend out
backend out
  server upstream 127.0.0.1:${upstreamPort}
`,
  );
  const program = await startProgram("haproxy", ["-db", "-f", file], { port, role: "proxy" });
  return { ...program, port };
}
