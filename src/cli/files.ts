/** Finds the configuration that a command is about. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { CommandError, EXIT, type Io } from "./io.js";
import { readText } from "./read-text.js";
import { whyUnread } from "../core/why-unread.js";

export interface ConfigText {
  readonly file: string;
  readonly text: string;
}

const SIZE_MAX = 2 ** 20;

/** The named file, else squall.yaml where the command runs, else null. */
export function readConfigFile(named: string | undefined, io: Pick<Io, "cwd">): ConfigText | null {
  return readNamed(named, "squall", "the configuration", io);
}

/** The same of squall.run.yaml. */
export function readRunFile(named: string | undefined, io: Pick<Io, "cwd">): ConfigText | null {
  return readNamed(named, "squall.run", "the run file", io);
}

function readNamed(
  named: string | undefined,
  stem: string,
  what: string,
  { cwd }: Pick<Io, "cwd">,
): ConfigText | null {
  const file = named ?? [`${stem}.yaml`, `${stem}.yml`].find((name) => existsSync(join(cwd, name)));
  if (file === undefined) return null;
  const path = resolve(cwd, file);
  try {
    return { file, text: readText(path, SIZE_MAX) };
  } catch (error) {
    throw new CommandError(EXIT.invalid, `cannot read ${what} ${file}: ${whyUnread(error)}`);
  }
}
