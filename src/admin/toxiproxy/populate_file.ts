/** A configuration file in Toxiproxy's form: the list that `POST /populate` takes, with toxics of their own. */
import type { ProxyDefaults } from "../../control.js";
import { SquallError } from "../../core/errors.js";
import type { AnyFaultType } from "../../faults/contract.js";
import type { FileProxy } from "../../proxy/fleet.js";
import { readJson } from "./fields.js";
import { readProxies, specOf, type NewProxy } from "./proxy.js";
import { readToxics } from "./toxic.js";

/** A list is that form; squall.yaml is a mapping. */
export function isPopulateFile(text: string): boolean {
  return /^\s*\[/u.test(text);
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
    return inputs.map((input) =>
      told(`proxy ${JSON.stringify(input.name)}`, () => fileProxy(input, options)),
    );
  });
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
