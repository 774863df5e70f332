/** A fault type's example as words of the command line: what somebody types who asked for a profile of that name. */
import { shellWord } from "../core/shell-word.js";
import type { AnyFaultType } from "./contract/index.js";

/** `--delay 200ms --pattern '[up 1s, down 300ms]'`: each value is YAML, quoted for a shell where it must be. */
export function exampleOptions({ example }: Pick<AnyFaultType, "example">): string {
  return Object.entries(example)
    .filter(([key]) => key !== "type")
    .map(([key, value]) => `--${key.replaceAll("_", "-")} ${shellWord(flow(value))}`)
    .join(" ");
}

function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, one]) => `${flow(key)}: ${flow(one)}`);
    return `{ ${entries.join(", ")} }`;
  }
  // What YAML would read as something else than these characters stands in quotes.
  return typeof value === "string" && !/^[A-Za-z0-9/][\w ./%-]*$/u.test(value)
    ? JSON.stringify(value)
    : String(value);
}
