/** What a program of a run finds in its environment, and what stands for the placeholders of the run file. */
import { trustValues } from "../../tls/trust.js";
import { fillIn, type Placeholder } from "../run-file/placeholders.js";
import type { Command } from "../run-file/settings.js";
import type { Wire } from "./wires.js";

export interface Surroundings {
  readonly wires: readonly Wire[];
  /** What stands for `{port:NAME}` where NAME is no proxy. */
  readonly ports: ReadonlyMap<string, number>;
  /** Files (PEM) of what clients must trust; null where no proxy speaks TLS with them. */
  readonly ca: { readonly ca: string; readonly bundle: string } | null;
  /** From 1: of the worker. */
  readonly worker: number;
  readonly run: number;
  readonly seed: number;
  /** A folder for temporary files of this worker. */
  readonly temporary: string;
}

/** `jobs-server` is JOBS_SERVER. */
export function variableName(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9]/gu, "_");
}

export function valueOf({ kind, name }: Placeholder, { wires, ports, ca }: Surroundings): string {
  if (kind === "ca") return (name === "bundle" ? ca?.bundle : ca?.ca) ?? "";
  const wire = wires.find((one) => one.name === name);
  if (wire !== undefined) return kind === "url" ? wire.url : kind === "host" ? wire.host : String(wire.port);
  return kind === "port" ? String(ports.get(name) ?? "") : "";
}

export function filledIn(text: string, surroundings: Surroundings): string {
  return fillIn(text, (placeholder) => valueOf(placeholder, surroundings));
}

export function filledCommand(command: Command, surroundings: Surroundings): Command {
  return command.kind === "line"
    ? { kind: "line", line: filledIn(command.line, surroundings) }
    : { kind: "words", words: command.words.map((word) => filledIn(word, surroundings)) };
}

/** The user's own environment, then ours, then what the run file says. */
export function environmentOf(
  base: Readonly<Record<string, string | undefined>>,
  own: Readonly<Record<string, string>>,
  surroundings: Surroundings,
): Record<string, string | undefined> {
  const { wires, ca, ports, run, seed, worker, temporary } = surroundings;
  const found: Record<string, string> = {
    SQUALL_RUN: runName(run),
    SQUALL_SEED: String(seed),
    SQUALL_WORKER: String(worker),
    TMPDIR: temporary,
  };
  for (const { name, url, host, port } of wires) {
    found[`SQUALL_URL_${variableName(name)}`] = url;
    found[`SQUALL_HOST_${variableName(name)}`] = host;
    found[`SQUALL_PORT_${variableName(name)}`] = String(port);
  }
  for (const [name, port] of ports) found[`SQUALL_PORT_${variableName(name)}`] ??= String(port);
  if (ca !== null) Object.assign(found, trustValues(ca), { SQUALL_CA: ca.ca, SQUALL_CA_BUNDLE: ca.bundle });
  const said = Object.entries(own).map(([name, value]) => [name, filledIn(value, surroundings)]);
  return { ...base, ...found, ...(Object.fromEntries(said) as Record<string, string>) };
}

/** As its folder is called: `000123`. */
export function runName(run: number): string {
  return String(run).padStart(6, "0");
}
