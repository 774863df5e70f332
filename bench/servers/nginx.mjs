/** The server of small answers: nginx with one worker, or a small one in node where there is no nginx. */
import { has } from "../lib/machine.mjs";
import { startNginx, TEMPORARY_PATHS } from "../lib/nginx.mjs";
import { startWorker } from "../lib/processes.mjs";

export const ANSWER = '{"id":"7f3c1a","state":"queued","queue":"default","attempt":1}';

export async function smallServer(lab) {
  if (has("nginx")) return { ...(await nginx(lab)), name: "nginx, 1 worker" };
  lab.log("  nginx is not installed: a small server in node stands in");
  return Object.assign(await startWorker("servers/small.mjs", [ANSWER]), { name: "a small server in node" });
}

function nginx(lab) {
  return startNginx(lab, {
    body: (port) => `http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  ${TEMPORARY_PATHS}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    default_type application/json;
    location / { return 200 '${ANSWER}'; }
  }
}`,
  });
}
