/**
 * Takes the place of Testcontainers where an example is run without Docker: a container of the image is a process of
 * the same command, its ports are free ones of this machine, and names of the network are looked up in a table.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { env, execPath } from "node:process";

const MAIN = env["SQUALL_MAIN"];
/** `job-server:3000` to where it really listens. */
const names = new Map();

export class Network {
  start = async () => this;
  stop = async () => undefined;
}

export const Wait = { forHttp: (path, port) => ({ path, port }) };

export class GenericContainer {
  #words = ["serve", "--log-format", "json"];
  #variables = {};
  #aliases = [];
  #ports = [];
  #wait = null;
  #mapped = new Map();
  #child;

  withCommand(words) {
    this.#words = words.map((word) => (word === "0.0.0.0" ? "127.0.0.1" : word === "3000" ? "0" : word));
    this.#words.push("--json");
    return this;
  }

  withNetwork() {
    return this;
  }

  withNetworkAliases(...aliases) {
    this.#aliases = aliases;
    return this;
  }

  withEnvironment(variables) {
    this.#variables = variables;
    return this;
  }

  withExposedPorts(...ports) {
    this.#ports = ports;
    return this;
  }

  withWaitStrategy(wait) {
    this.#wait = wait;
    return this;
  }

  async start() {
    const variables = Object.entries(this.#variables).map(([name, value]) => {
      const known = [...names].reduce((text, [from, to]) => text.replace(from, to), value);
      return [name, known.replace(/^0\.0\.0\.0:\d+$/u, "127.0.0.1:0")];
    });
    this.#child = spawn(execPath, [MAIN, ...this.#words], {
      env: Object.fromEntries(variables),
      stdio: ["ignore", "pipe", "inherit"],
    });
    let out = "";
    for await (const chunk of this.#child.stdout.iterator({ destroyOnReturn: false })) {
      out += chunk;
      if (/"(?:admin|url)":"http:/u.test(out)) break;
    }
    this.#child.stdout.resume();
    const first = /"(?:admin|url)":"http:\/\/127\.0\.0\.1:(\d+)/u.exec(out)[1];
    this.#mapped.set(this.#ports[0], Number(first));
    if (this.#wait !== null) await this.#mapProxies(first);
    for (const alias of this.#aliases)
      for (const [inside, outside] of this.#mapped)
        names.set(`${alias}:${inside}`, `127.0.0.1:${outside}`);
    return this;
  }

  /** The other ports are those of the proxies, in their order. */
  async #mapProxies(admin) {
    const url = `http://127.0.0.1:${admin}`;
    while (!(await fetch(url + this.#wait.path)).ok);
    const { proxies } = await (await fetch(`${url}/status`)).json();
    for (const [index, { listen }] of proxies.entries())
      this.#mapped.set(this.#ports[index + 1], Number(listen.split(":").at(-1)));
  }

  getHost() {
    return "127.0.0.1";
  }

  getMappedPort(port) {
    return this.#mapped.get(port);
  }

  async stop() {
    this.#child.kill();
    await once(this.#child, "exit");
  }
}
