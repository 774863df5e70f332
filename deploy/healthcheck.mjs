/**
 * The image's HEALTHCHECK: asks what runs in this container for its health. `serve`, `demo` and `mock-server` answer on a port: that of
 * their options, of the environment, or the usual one. Every other command is well for as long as it runs.
 *
 *   node healthcheck.mjs [PID]      the process to look at; the first `squall` of the container if none is given
 */
import { readdirSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { get as getSecurely } from "node:https";

const PORTS = { "serve": "8474", "demo": "8474", "mock-server": "3000" };

/** The words behind `squall`, with `--name=value` parted; an init or a shell may stand before it. */
function words([id, ...others]) {
  if (id === undefined) return [];
  let line = [];
  try {
    line = readFileSync(`/proc/${id}/cmdline`, "utf8").split("\0").slice(0, -1);
  } catch {
    // It has ended meanwhile.
  }
  const at = line.findIndex((word) => /(?:^|\/)(?:squall|toxiproxy|main\.js)$/u.test(word));
  if (at < 0 || at > 2) return words(others);
  return line.slice(at + 1).flatMap((word) => (word.startsWith("-") ? word.split(/=(.*)/su, 2) : [word]));
}

const ids = readdirSync("/proc").filter((name) => /^\d+$/u.test(name));
const given = words(process.argv[2] === undefined ? ids.sort((a, b) => a - b) : [process.argv[2]]);
const [first = "serve"] = given;
const command = first.startsWith("-") ? "serve" : first;
if (!(command in PORTS)) process.exit(0);

const option = (name) => (given.includes(name) ? given[given.indexOf(name) + 1] : undefined);
const { SQUALL_ADMIN, SQUALL__ADMIN__LISTEN } = process.env;
const port = option("--port") ?? option("-port");
const address =
  option("--admin") ??
  (port === undefined ? undefined : `:${port}`) ??
  (command === "mock-server" ? undefined : (SQUALL_ADMIN ?? SQUALL__ADMIN__LISTEN)) ??
  `:${PORTS[command]}`;
// What listens on all addresses answers on loopback, too.
const url = address
  .replace(/^(?!https?:)/u, "http://")
  .replace(/\/\/(?:0\.0\.0\.0|\[::\])?:(?=\d)/u, "//127.0.0.1:");

/** For the ports that `fetch` refuses as a browser does, such as 6000 and 10080. */
const plainly = (to, signal) =>
  new Promise((resolve, reject) => {
    get(to, { signal }, ({ statusCode = 0 }) => resolve({ ok: statusCode === 200, status: statusCode })).on(
      "error",
      reject,
    );
  });

/** For an admin port with `admin.tls`. It is this container's own, so any certificate will do. */
const securely = (to, signal) =>
  new Promise((resolve, reject) => {
    getSecurely(to, { signal, rejectUnauthorized: false }, ({ statusCode = 0 }) =>
      resolve({ ok: statusCode === 200, status: statusCode }),
    ).on("error", reject);
  });

const signal = AbortSignal.timeout(5_000);
const asked = fetch(`${url}/healthz`, { signal }).catch((error) => {
  if (error.cause?.message === "bad port" && url.startsWith("http:"))
    return plainly(`${url}/healthz`, signal);
  // Whoever speaks TLS closes on plain HTTP.
  return securely(`${url.replace(/^http:/u, "https:")}/healthz`, signal).catch(() => {
    throw error;
  });
});
const answer = await asked.catch((error) => {
  console.error(`${url}: ${error.cause?.message ?? error.message}`);
  return null;
});
if (answer?.ok === false) console.error(`${url}: ${answer.status}`);
process.exit(answer?.ok === true ? 0 : 1);
