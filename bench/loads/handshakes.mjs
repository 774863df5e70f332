/**
 * Connections over TLS as fast as a few clients make them, one after the other each: with one small request (`openssl s_time`, which
 * resets what it has done with), or with none, and an end in order (loads/handshakes.py). Both take less processor time for a handshake than
 * a client in Node would, and write a letter for each connection, which tells whether its session was resumed.
 */
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { has } from "../lib/machine.mjs";
import { processorSeconds, sleep, spawnProgram } from "../lib/processes.mjs";

const AT_ONCE = 8;
/** It is stopped long before. */
const WHOLE_TIME = "600";
const FIRST_MAX_MS = 10_000;
/** Of connections: those that were resumed where none should be, or the other way round. */
const OTHERS_MAX = 0.05;
const ORDERLY = fileURLToPath(new URL("handshakes.py", import.meta.url));

export const handshakeLoad = {
  name: `openssl s_time, ${AT_ONCE} at a time`,
  missing: has("openssl") ? null : "openssl is not on PATH",
};

export const orderlyLoad = {
  name: `Python's ssl, ${AT_ONCE} at a time`,
  missing: has("python3") ? null : "python3 is not on PATH",
};

/** With a request; see `measured`. */
export function handshakes(port, seconds, options) {
  const args = ["s_time", "-connect", `127.0.0.1:${port}`, "-www", "/", "-time", WHOLE_TIME];
  return measured(["openssl", ...args, options.resumed ? "-reuse" : "-new"], seconds, options);
}

/** Without one, and never resumed; see `measured`. */
export function orderlyHandshakes(port, seconds, options) {
  return measured(["python3", ORDERLY, String(port)], seconds, options);
}

/**
 * `{ rate, work, loadSeconds }`: connections per second from `leadIn` seconds after every client has had its first answer, and all that
 * there were. Rejects where sessions are not `resumed`, or are, against what is said.
 */
async function measured([program, ...args], seconds, { resumed, leadIn }) {
  const clients = Array.from({ length: AT_ONCE }, () => new Client(program, args));
  const count = () => clients.reduce((sum, { letters }) => sum + letters.length, 0);
  const late = sleep(FIRST_MAX_MS);
  await Promise.race([late, Promise.all(clients.map(({ answered }) => answered))]);
  await sleep(leadIn * 1000);
  const [settled, from] = [count(), performance.now()];
  await sleep(seconds * 1000);
  const [work, to] = [count(), performance.now()];
  const loadSeconds = clients.reduce((sum, { pid }) => sum + (processorSeconds(pid) ?? 0), 0);
  for (const client of clients) client.stop();
  await Promise.all(clients.map(({ gone }) => gone));
  for (const { trouble } of clients) if (trouble !== "") throw new Error(`${program}: ${trouble}`);
  if (settled === 0 || work === settled) throw new Error(`${program}: no connection was answered`);
  const wrong = clients
    .flatMap(({ letters }) => [...letters])
    .filter((letter) => (letter === "r") !== resumed).length;
  if (wrong > OTHERS_MAX * work)
    throw new Error(`${wrong} of ${work} sessions were ${resumed ? "not " : ""}resumed`);
  return { rate: (work - settled) / ((to - from) / 1000), work, loadSeconds };
}

class Client {
  #child;
  #text = "";
  #errors = "";

  constructor(program, args) {
    this.#child = spawnProgram(program, args);
    this.pid = this.#child.pid;
    this.gone = once(this.#child, "close");
    this.answered = new Promise((resolve) => {
      this.#child.stdout.setEncoding("latin1").on("data", (text) => {
        this.#text += text;
        if (this.letters.length > 0) resolve();
      });
      this.#child.on("close", resolve);
    });
    this.#child.stderr.setEncoding("utf8").on("data", (text) => (this.#errors += text));
  }

  /** They are on one line, behind those that say what it does. */
  get letters() {
    return this.#text.slice(this.#text.lastIndexOf("\n") + 1);
  }

  get trouble() {
    return this.#errors.trim().split("\n")[0];
  }

  stop() {
    this.#child.kill("SIGKILL");
  }
}
