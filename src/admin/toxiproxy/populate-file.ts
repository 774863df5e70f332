/** A configuration file in Toxiproxy's form: the list that `POST /populate` takes, with toxics of their own. */
import { clash, formatAddress } from "../../config/address.js";
import { PROXIES_MAX } from "../../config/proxy.js";
import type { ProxyDefaults } from "../../control.js";
import { SquallError } from "../../core/errors.js";
import type { AnyFaultType } from "../../faults/contract/index.js";
import type { FileProxy } from "../../proxy/proxy-set.js";
import { readJson } from "./fields.js";
import { isTheirs, readProxies, specOf, type NewProxy } from "./proxy.js";
import { readToxics } from "./toxic.js";

/** A list is that form; squall.yaml is a mapping. What `GET /proxies` answers is taken for it too, to be refused in words that help. */
export function isPopulateFile(text: string): boolean {
  if (/^\s*\[/u.test(text)) return true;
  if (!/^\s*\{/u.test(text)) return false;
  try {
    return isTheirs(JSON.parse(text));
  } catch {
    return false;
  }
}

export interface PopulateFileOptions {
  readonly types: ReadonlyMap<string, AnyFaultType>;
  readonly defaults: ProxyDefaults;
  /** For messages. */
  readonly file?: string | undefined;
}

/** Throws SQ_INVALID_CONFIG with the first thing that is wrong. */
export function readPopulateFile(text: string, options: PopulateFileOptions): FileProxy[] {
  const { file = "the configuration" } = options;
  return told(file, () => {
    const inputs = readProxies(readJson(text));
    const names = inputs.map(({ name }) => name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined)
      throw new SquallError("SQ_INVALID_CONFIG", `two proxies are called ${JSON.stringify(twice)}`);
    if (inputs.length > PROXIES_MAX)
      throw new SquallError(
        "SQ_INVALID_CONFIG",
        `has ${inputs.length} proxies; a daemon has at most ${PROXIES_MAX}`,
      );
    const proxies = inputs.map((input) =>
      told(`proxy ${JSON.stringify(input.name)}`, () => fileProxy(input, options)),
    );
    checkPorts(proxies);
    return proxies;
  });
}

/** All of them speak TCP. Throws SQ_INVALID_CONFIG if two would listen at one address. */
function checkPorts(proxies: readonly FileProxy[]): void {
  const byPort = new Map<number, FileProxy[]>();
  for (const proxy of proxies) {
    const { enabled = true, listen, name } = proxy;
    if (!enabled) continue;
    const others = byPort.get(listen.port) ?? [];
    const other = others.find((one) => clash(one.listen, listen));
    if (other !== undefined)
      throw new SquallError(
        "SQ_INVALID_CONFIG",
        `proxy ${JSON.stringify(name)}: cannot listen on ${formatAddress(listen)}: the proxy ${JSON.stringify(other.name)} has ${formatAddress(other.listen)}`,
      );
    byPort.set(listen.port, [...others, proxy]);
  }
}

function fileProxy(input: NewProxy, { types, defaults }: PopulateFileOptions): FileProxy {
  const faults = input.toxics === undefined ? [] : readToxics(input.toxics, types);
  return {
    ...specOf(input, defaults),
    ...(input.enabled === false ? { enabled: false } : {}),
    ...(faults.length === 0 ? {} : { faults }),
  };
}

function told<T>(where: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof SquallError)) throw error;
    // Nobody has sent a request here.
    const why = error.message.replace("bad request body: ", "");
    throw new SquallError("SQ_INVALID_CONFIG", `${where}: ${why}`, { cause: error });
  }
}
