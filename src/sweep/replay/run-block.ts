/** The settings of a run as a run file writes them, proxies of squall.yaml included: all that a clean checkout needs to run it again. */
import { relative } from "node:path";
import { child, toPlain } from "../../config/located.js";
import { Problems } from "../../config/problems.js";
import { readDocuments } from "../../config/source.js";
import { formatDuration, formatRatio, parseDuration, parseRatio } from "../../core/units.js";
import type { Command, RunSettings } from "../run-file/settings.js";
import type { SloInput } from "../run-file/shape.js";

/** What the run file takes for granted is left out. */
const USUAL = { baselines: 3, readyTimeout: 30_000, settle: 2_000, tolerance: 0 } as const;

export function runBlockOf(settings: RunSettings): Record<string, unknown> {
  const { ready, audit, ignore, tolerance, timeout, dump, env, baselines, routes, openapi, service } =
    settings;
  const proxies = proxiesOf(settings);
  const block: Record<string, unknown> = {
    command: commandOf(settings.command),
    setup: commandOf(settings.setup),
    upstream: commandOf(settings.upstream),
    ready: listOf(ready),
    ready_timeout: settings.readyTimeout === USUAL.readyTimeout ? null : durationOf(settings.readyTimeout),
    check: commandOf(settings.check),
    audit,
    ignore: listOf(ignore),
    tolerance: tolerance === USUAL.tolerance ? null : ratioOf(tolerance),
    outage: settings.outage === null ? null : durationOf(settings.outage),
    outage_ignore: listOf(settings.outageIgnore),
    idempotent: listOf(settings.idempotent),
    slo: settings.slo === null ? null : objectivesOf(settings.slo),
    settle: settings.settle === USUAL.settle ? null : durationOf(settings.settle),
    timeout: timeout === null ? null : durationOf(timeout),
    dump,
    env: Object.keys(env).length === 0 ? null : env,
    baselines: baselines === USUAL.baselines ? null : baselines,
    routes: listOf(routes),
    openapi: listOf(openapi.map((file) => relative(settings.folder, file))),
    service:
      service === null
        ? null
        : Object.fromEntries(Object.entries(service).map(([key, value]) => [key, durationOf(value)])),
    proxies: Object.keys(proxies).length === 0 ? null : proxies,
  };
  return Object.fromEntries(Object.entries(block).filter(([, value]) => value !== null));
}

function objectivesOf({ p95, error_rate: rate, min_samples }: SloInput): Record<string, unknown> {
  return {
    ...(p95 === undefined ? {} : { p95: durationOf(p95) }),
    ...(rate === undefined ? {} : { error_rate: ratioOf(rate) }),
    min_samples,
  };
}

function commandOf(command: Command | null): string | readonly string[] | null {
  if (command === null) return null;
  return command.kind === "line" ? command.line : command.words;
}

function listOf(list: readonly string[]): readonly string[] | null {
  return list.length === 0 ? null : list;
}

/** `2s`; what that cannot say exactly is said in milliseconds. */
function durationOf(millis: number): string {
  const words = formatDuration(millis);
  return parseDuration(words) === millis ? words : `${Math.round(millis)}ms`;
}

function ratioOf(share: number): string {
  const words = formatRatio(share);
  return parseRatio(words) === share ? words : `${share * 100}%`;
}

/** As they were written, references to the environment included: who runs it elsewhere may have another one. */
function proxiesOf({ config, proxies }: RunSettings): Record<string, unknown> {
  const [document] = config === null ? [] : readDocuments(config.text, config.file, new Problems());
  const own = child(document?.tree, "proxies");
  return { ...mapOf(own && toPlain(own)), ...mapOf(proxies && toPlain(proxies)) };
}

function mapOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? { ...(value as Record<string, unknown>) }
    : {};
}
