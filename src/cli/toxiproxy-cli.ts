/**
 * `toxiproxy-cli`, as scripts and health checks call it inside of an image: its verbs, their short forms and its lines of text, against any
 * server that has Toxiproxy's API. It is `squall` under another name, or `squall toxiproxy-cli`.
 */
import { ASKED_ONCE, fetchAnyPort } from "../core/any-port.js";
import { API_VERSION } from "../admin/toxiproxy/version.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { readFlags, type FlagSet, type Given } from "./toxiproxy-cli-flags.js";

const DEFAULT_HOST = "http://localhost:8474";

interface Toxic {
  readonly name: string;
  readonly type: string;
  readonly stream: string;
  readonly toxicity: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface Proxy {
  readonly name: string;
  readonly listen: string;
  readonly upstream: string;
  readonly enabled: boolean;
  readonly toxics: readonly Toxic[];
}

interface Verb {
  readonly names: readonly string[];
  readonly usage: string;
  readonly flags: FlagSet;
  readonly run: (given: Given, api: Api, io: Io) => Promise<void>;
}

const NO_FLAGS: FlagSet = { values: {}, switches: {} };
const HOST: FlagSet = { values: { host: ["h"] }, switches: { help: [], version: ["v"] } };
const TOXIC_NAME = { toxicName: ["n"] };
const TOXIC_VALUES = { ...TOXIC_NAME, toxicity: ["tox"], attribute: ["a"] };

const VERBS: readonly Verb[] = [
  { names: ["list", "l", "li", "ls"], usage: "list", flags: NO_FLAGS, run: list },
  { names: ["inspect", "i", "ins"], usage: "inspect PROXY", flags: NO_FLAGS, run: inspect },
  {
    names: ["create", "c", "new"],
    usage: "create --listen ADDRESS --upstream ADDRESS PROXY",
    flags: { values: { listen: ["l"], upstream: ["u"] }, switches: {} },
    run: create,
  },
  { names: ["toggle", "tog"], usage: "toggle PROXY", flags: NO_FLAGS, run: toggle },
  { names: ["delete", "d"], usage: "delete PROXY", flags: NO_FLAGS, run: remove },
];

const TOXIC_VERBS: readonly Verb[] = [
  {
    names: ["add", "a"],
    usage: "toxic add --type TYPE [--toxicName NAME] [--toxicity N] [-a KEY=VALUE]... [--upstream] PROXY",
    flags: { values: { ...TOXIC_VALUES, type: ["t"] }, switches: { upstream: ["u"], downstream: ["d"] } },
    run: addToxic,
  },
  {
    names: ["update", "u"],
    usage: "toxic update --toxicName NAME [--toxicity N] [-a KEY=VALUE]... PROXY",
    flags: { values: TOXIC_VALUES, switches: {} },
    run: updateToxic,
  },
  {
    names: ["remove", "r", "delete", "d"],
    usage: "toxic remove --toxicName NAME PROXY",
    flags: { values: TOXIC_NAME, switches: {} },
    run: removeToxic,
  },
];

/** Runs one command line. Throws a CommandError with what there is to say on standard error. */
export async function toxiproxyCli(words: readonly string[], io: Io): Promise<void> {
  const { given, rest } = readFlags(words, HOST, "before the verb");
  if (given.switches.has("version")) {
    io.out(`toxiproxy-cli version ${API_VERSION}\n`);
    return;
  }
  const [first = "", ...behind] = rest;
  const toxic = first === "toxic" || first === "t";
  const [second = "", ...last] = behind;
  const [name, args] = toxic ? [second, last] : [first, behind];
  const verb = (toxic ? TOXIC_VERBS : VERBS).find(({ names }) => names.includes(name));
  if (verb === undefined || given.switches.has("help")) {
    io.out(help());
    if (name === "" || name === "help" || given.switches.has("help")) return;
    throw new CommandError(EXIT.failed, `no such command: ${[...(toxic ? [first] : []), name].join(" ")}`);
  }
  const found = readFlags(args, verb.flags, "anywhere");
  const host = given.values.get("host")?.at(-1) ?? io.env["TOXIPROXY_URL"] ?? DEFAULT_HOST;
  await verb.run({ ...found.given, words: found.rest, usage: verb.usage }, new Api(host, io.env), io);
}

function help(): string {
  const lines = [...VERBS, ...TOXIC_VERBS].map(({ usage }) => `  toxiproxy-cli ${usage}\n`);
  return `Usage: toxiproxy-cli [--host URL] COMMAND\n\n${lines.join("")}\nThe host is ${DEFAULT_HOST} unless TOXIPROXY_URL or --host (-h) says otherwise.\n`;
}

class Api {
  readonly #url: string;
  readonly #token: string | undefined;

  constructor(host: string, env: Io["env"]) {
    const url = /^https?:\/\//u.test(host) ? host : `http://${host}`;
    this.#url = url.replace(/\/+$/u, "");
    this.#token = env["SQUALL_ADMIN_TOKEN"];
  }

  /** Throws with `failed` and the server's own words. */
  async call(failed: string, method: string, path: string, body?: unknown): Promise<unknown> {
    const told = (why: string): CommandError => new CommandError(EXIT.failed, `${failed}: ${why}`);
    let text: string;
    let status: number;
    try {
      const answer = await fetchAnyPort(`${this.#url}${path}`, {
        method,
        headers: {
          ...ASKED_ONCE,
          ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      status = answer.status;
      text = await answer.text();
    } catch (error) {
      const { cause, message } = error instanceof Error ? error : new Error(String(error));
      throw told(`${this.#url}: ${cause instanceof Error ? cause.message || String(cause) : message}`);
    }
    if (status >= 400) throw told(`HTTP ${status}: ${errorIn(text)}`);
    return text === "" ? null : (JSON.parse(text) as unknown);
  }
}

function errorIn(text: string): string {
  try {
    return (JSON.parse(text) as { error: string }).error;
  } catch {
    return text.trim();
  }
}

const pathOf = (proxy: string, toxic?: string): string =>
  `/proxies/${encodeURIComponent(proxy)}${toxic === undefined ? "" : `/toxics/${encodeURIComponent(toxic)}`}`;

function proxyName({ words: [name = ""], usage }: Given): string {
  if (name !== "") return name;
  throw new CommandError(EXIT.failed, `the name of a proxy is missing\nusage: toxiproxy-cli ${usage}`);
}

function needed({ values, usage }: Given, flag: string): string {
  const value = values.get(flag)?.at(-1) ?? "";
  if (value !== "") return value;
  throw new CommandError(EXIT.failed, `required argument '${flag}' was empty\nusage: toxiproxy-cli ${usage}`);
}

async function oneProxy(given: Given, api: Api): Promise<Proxy> {
  const name = proxyName(given);
  return (await api.call(`Failed to retrieve proxy ${name}`, "GET", pathOf(name))) as Proxy;
}

const enabledText = ({ enabled }: Pick<Proxy, "enabled">): string => (enabled ? "enabled" : "disabled");

async function list(_given: Given, api: Api, io: Io): Promise<void> {
  const proxies = (await api.call("Failed to retrieve proxies", "GET", "/proxies")) as Record<string, Proxy>;
  if (io.terminal) io.out("Name\tListen\tUpstream\tEnabled\tToxics\n");
  for (const proxy of Object.values(proxies).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name, listen, upstream, toxics } = proxy;
    io.out(`${[name, listen, upstream, enabledText(proxy), toxics.length].join("\t")}\n`);
  }
}

async function inspect(given: Given, api: Api, io: Io): Promise<void> {
  const proxy = await oneProxy(given, api);
  if (io.terminal) io.out(`Name: ${proxy.name}\tListen: ${proxy.listen}\tUpstream: ${proxy.upstream}\n`);
  for (const { name, type, stream, toxicity, attributes } of proxy.toxics) {
    const list = Object.entries(attributes)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => `\t${key}=${String(value)}`);
    io.out(
      `${name}\ttype=${type}\tstream=${stream}\ttoxicity=${toxicity.toFixed(2)}\tattributes=[${list.join("")}\t]\n`,
    );
  }
}

async function create(given: Given, api: Api, io: Io): Promise<void> {
  const name = proxyName(given);
  const body = {
    name,
    listen: needed(given, "listen"),
    upstream: needed(given, "upstream"),
    enabled: true,
  };
  await api.call("Failed to create proxy", "POST", "/proxies", body);
  io.out(`Created new proxy ${name}\n`);
}

async function toggle(given: Given, api: Api, io: Io): Promise<void> {
  const proxy = await oneProxy(given, api);
  const enabled = !proxy.enabled;
  await api.call(`Failed to toggle proxy ${proxy.name}`, "POST", pathOf(proxy.name), { enabled });
  io.out(`Proxy ${proxy.name} is now ${enabledText({ enabled })}\n`);
}

async function remove(given: Given, api: Api, io: Io): Promise<void> {
  const { name } = await oneProxy(given, api);
  await api.call("Failed to delete proxy", "DELETE", pathOf(name));
  io.out(`Deleted proxy ${name}\n`);
}

/** What is not given stays as it is, or has the server's own default. */
function toxicBody({ values }: Given): Record<string, unknown> {
  const text = values.get("toxicity")?.at(-1);
  const toxicity = Number(text);
  if (text !== undefined && (text === "" || !(toxicity >= 0 && toxicity <= 1)))
    throw new CommandError(EXIT.failed, "toxicity should be a float between 0 and 1");
  const pairs = (values.get("attribute") ?? []).flatMap((one) => one.split(","));
  const attributes = pairs.flatMap((pair) => {
    const [key = "", ...value] = pair.split("=");
    return value.length === 0 ? [] : [[key.trim(), numberOr(value.join("="))] as const];
  });
  return { ...(text === undefined ? {} : { toxicity }), attributes: Object.fromEntries(attributes) };
}

function numberOr(text: string): number | string {
  return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

async function addToxic(given: Given, api: Api, io: Io): Promise<void> {
  const proxy = proxyName(given);
  const type = needed(given, "type");
  const { switches, values } = given;
  if (switches.has("upstream") && switches.has("downstream"))
    throw new CommandError(EXIT.failed, "only one should be specified: upstream or downstream");
  const body = {
    name: values.get("toxicName")?.at(-1) ?? "",
    type,
    stream: switches.has("upstream") ? "upstream" : "downstream",
    ...toxicBody(given),
  };
  const toxic = (await api.call("Failed to add toxic", "POST", `${pathOf(proxy)}/toxics`, body)) as Toxic;
  io.out(`Added ${toxic.stream} ${toxic.type} toxic '${toxic.name}' on proxy '${proxy}'\n`);
}

async function updateToxic(given: Given, api: Api, io: Io): Promise<void> {
  const proxy = proxyName(given);
  const path = pathOf(proxy, needed(given, "toxicName"));
  const toxic = (await api.call("Failed to update toxic", "POST", path, toxicBody(given))) as Toxic;
  io.out(`Updated toxic '${toxic.name}' on proxy '${proxy}'\n`);
}

async function removeToxic(given: Given, api: Api, io: Io): Promise<void> {
  const proxy = proxyName(given);
  const name = needed(given, "toxicName");
  await api.call("Failed to remove toxic", "DELETE", pathOf(proxy, name));
  io.out(`Removed toxic '${name}' on proxy '${proxy}'\n`);
}
