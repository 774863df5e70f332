/** nginx with one worker: its stream module, which relays bytes, and as a reverse proxy for HTTP that keeps connections, over TLS too. */
import { certificate } from "../lib/certificate.mjs";
import { has, nginxStream as streamModule } from "../lib/machine.mjs";
import { startNginx, TEMPORARY_PATHS } from "../lib/nginx.mjs";

export function nginxStream() {
  const module = streamModule();
  const why = has("nginx") ? "nginx is here without its stream module" : "nginx is not on PATH";
  return {
    name: "nginx stream",
    missing: module === undefined ? why : null,
    start: ({ lab, upstreamPort }) =>
      startNginx(lab, {
        role: "proxy",
        head: module === null ? "" : `load_module ${module};`,
        body: (port) =>
          `stream { server { listen 127.0.0.1:${port} backlog=4096; proxy_pass 127.0.0.1:${upstreamPort}; } }`,
      }),
  };
}

export const nginxHttp = () => reverseProxy("nginx, HTTP");
export const nginxTls = () => reverseProxy("nginx, TLS, HTTP", ["openssl"]);

function reverseProxy(name, also = []) {
  const lacking = ["nginx", ...also].find((program) => !has(program));
  return {
    name,
    missing: lacking === undefined ? null : `${lacking} is not on PATH`,
    start: ({ lab, upstreamPort }) => {
      const { cert, key } = also.length > 0 ? certificate(lab) : {};
      const [tls, files] =
        cert === undefined ? ["", ""] : [" ssl", `ssl_certificate ${cert}; ssl_certificate_key ${key};`];
      return startNginx(lab, {
        role: "proxy",
        body: (port) => `http {
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
    listen 127.0.0.1:${port}${tls} backlog=4096;
    ${files}
    location / {
      proxy_pass http://out;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
    }
  }
}`,
      });
    },
  };
}
