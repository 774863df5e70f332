/** The server of small answers: nginx with one worker, or a small one in node where there is no nginx. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { has } from "../lib/machine.mjs";
import { freePort, startProgram, startWorker } from "../lib/processes.mjs";

export const ANSWER = '{"id":"7f3c1a","state":"queued","queue":"default","attempt":1}';

/** Where nginx may write: all below the folder that it is started with. */
export const TEMPORARY_PATHS = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
  .map((name) => `${name}_temp_path tmp;`)
  .join(" ");

export async function smallServer(lab) {
  if (has("nginx")) return { ...(await nginx(lab)), name: "nginx, 1 worker" };
  lab.log("  nginx is not installed: a small server in node stands in");
  return Object.assign(await startWorker("servers/small.mjs", [ANSWER]), { name: "a small server in node" });
}

async function nginx(lab) {
  const port = await freePort();
  const folder = join(lab.folder, `nginx-${port}`);
  for (const name of ["logs", "tmp"]) mkdirSync(join(folder, name), { recursive: true });
  const file = join(folder, "nginx.conf");
  const user = process.getuid?.() === 0 ? "user root;" : "";
  writeFileSync(
    file,
    `${user}
worker_processes 1;
worker_rlimit_nofile 20000;
daemon off;
master_process off;
pid nginx.pid;
error_log stderr error;
events { worker_connections 19000; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  ${TEMPORARY_PATHS}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    default_type application/json;
    location / { return 200 '${ANSWER}'; }
  }
}
`,
  );
  const program = await startProgram("nginx", ["-p", `${folder}/`, "-c", file, "-e", "stderr"], { port });
  return { ...program, port };
}
