/** nginx with one worker: its stream module, which relays bytes, and as a reverse proxy for HTTP that keeps connections. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { has, nginxStream as streamModule } from "../lib/machine.mjs";
import { freePort, startProgram } from "../lib/processes.mjs";
import { TEMPORARY_PATHS } from "../servers/nginx.mjs";

export function nginxStream() {
  const module = streamModule();
  const why = has("nginx") ? "nginx is here without its stream module" : "nginx is not on PATH";
  return {
    name: "nginx stream",
    missing: module === undefined ? why : null,
    start: (wanted) =>
      start({
        ...wanted,
        head: module === null ? "" : `load_module ${module};`,
        body: (port, upstreamPort) =>
          `stream { server { listen 127.0.0.1:${port} backlog=4096; proxy_pass 127.0.0.1:${upstreamPort}; } }`,
      }),
  };
}

export function nginxHttp() {
  return {
    name: "nginx, HTTP",
    missing: has("nginx") ? null : "nginx is not on PATH",
    start: (wanted) =>
      start({
        ...wanted,
        head: "",
        body: (port, upstreamPort) => `http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_max_body_size 0;
  ${TEMPORARY_PATHS}
  upstream out {
    server 127.0.0.1:${upstreamPort};
    keepalive 512;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://out;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
    }
  }
}`,
      }),
  };
}

async function start({ lab, upstreamPort, head, body }) {
  const port = await freePort();
  const folder = join(lab.folder, `nginx-proxy-${port}`);
  mkdirSync(join(folder, "tmp"), { recursive: true });
  const file = join(folder, "nginx.conf");
  writeFileSync(
    file,
    `${head}
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 1;
worker_rlimit_nofile 20000;
daemon off;
master_process off;
pid nginx.pid;
error_log stderr error;
events { worker_connections 19000; }
${body(port, upstreamPort)}
`,
  );
  const args = ["-p", `${folder}/`, "-c", file, "-e", "stderr"];
  return { ...(await startProgram("nginx", args, { port, role: "proxy" })), port };
}
