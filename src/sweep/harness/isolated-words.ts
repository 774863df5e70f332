/** What is said between a sweep and a worker of it that is a process of its own, in a network of its own. All of it is plain data. */
import { locate, toPlain } from "../../config/located.js";
import { BaselineBroken, HarnessError, type RunPlan } from "../contract/run.js";
import type { RunSettings } from "../run-file/settings.js";
import type { StageOptions } from "./stage.js";
import type { Limits, Made } from "./worker.js";

/** Proxies without the places where they are written: they were checked with them. */
export type PlainSettings = Omit<RunSettings, "proxies"> & { readonly proxies: unknown };
export type PlainStage = Omit<StageOptions, "settings" | "signal"> & { readonly settings: PlainSettings };

export type ToWorker =
  | { readonly kind: "open"; readonly stage: PlainStage }
  | { readonly kind: "run"; readonly plan: RunPlan; readonly number: number; readonly limits: Limits }
  | { readonly kind: "interrupt"; readonly text: string }
  | { readonly kind: "close" };

export type FromWorker =
  | { readonly kind: "done" }
  | { readonly kind: "made"; readonly made: Made }
  | { readonly kind: "failed"; readonly name: string; readonly message: string; readonly stack: string };

/** With a port of its own for each proxy: nobody else is there who could have it. */
export function plainStage({ signal: _signal, settings, ...rest }: StageOptions): PlainStage {
  const proxies = settings.proxies === null ? null : toPlain(settings.proxies);
  const { number, mark, temporary, env, cwd, home } = rest;
  return {
    number,
    mark,
    temporary,
    env: Object.fromEntries(Object.entries(env)),
    cwd,
    home,
    settings: { ...settings, jobs: 1, proxies },
  };
}

export function stageOf({ settings, ...rest }: PlainStage, signal: AbortSignal): StageOptions {
  const tree = settings.proxies === null ? null : locate(settings.proxies, "the run file", "proxies");
  return { ...rest, signal, settings: { ...settings, proxies: tree?.kind === "map" ? tree : null } };
}

export function failureOf(error: unknown): FromWorker {
  const { name, message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  return { kind: "failed", name, message, stack };
}

/** What the harness could not do stays that, and an interrupt an interrupt; anything else is a mistake of ours. */
export function errorOf({ name, message, stack }: Extract<FromWorker, { kind: "failed" }>): Error {
  if (name === "BaselineBroken") return new BaselineBroken(message);
  if (name === "HarnessError" || name === "SquallError") return new HarnessError(message);
  if (name === "AbortError") return new DOMException(message, "AbortError");
  return Object.assign(new Error(message), { stack });
}
