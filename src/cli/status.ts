/** `squall status`: proxies, connections, the last reload if it was refused, and what is on with how much it has hit. */
import type { Command } from "commander";
import { formatDuration } from "../core/units.js";
import { harmless, jsonLine } from "../telemetry/entry.js";
import { activeText, type ActiveView } from "./active-text.js";
import { AdminClient } from "./client.js";
import type { Io } from "./io.js";
import type { OnOptions } from "./on/each.js";
import type { FleetOptions } from "./fleet/ask.js";
import { onFleet, onMany, remote, type RemoteOptions } from "./remote.js";
import type { StatusView } from "./status-view.js";

export function addStatus(program: Command, io: Io): void {
  onFleet(onMany(remote(program.command("status"))))
    .description("show proxies, connections, what is on and how much it has hit so far")
    .action(async (options: RemoteOptions & OnOptions & FleetOptions) => {
      if (options.fleet === true) {
        (await import("./fleet/ask.js")).checkFleetOptions(options, {});
        await (await import("./fleet/status.js")).statusFleet(options, io);
        return;
      }
      if (options.on !== undefined) {
        await (await import("./on/status.js")).statusOn(options, io);
        return;
      }
      const client = new AdminClient(options, io);
      const status = client.known((await client.call("GET", "/status")) as StatusView, "proxies");
      const active = client.known((await client.call("GET", "/active")) as ActiveView, "activations");
      if (options.json === true) io.out(`${jsonLine({ status, active })}\n`);
      else
        io.out(
          `${statusText(status, client.base, io)}${fleetLine(status, io)}${reloadText(status, io)}${activeText(active, io.colours, true)}`,
        );
    });
}

function statusText({ version, uptime_seconds: up, proxies }: StatusView, base: string, io: Io): string {
  const { colours } = io;
  const lines = proxies.map(({ name, listen, upstream, state, connections: { active, total } }) => {
    const tint = state === "listening" ? colours.green : colours.yellow;
    const counted = `${active} ${active === 1 ? "connection" : "connections"} (${total} in all)`;
    return `  ${colours.bold(name)}  ${listen} -> ${upstream}  ${tint(state)}  ${counted}\n`;
  });
  const none = lines.length === 0 ? "  no proxies\n" : "";
  return `squall ${version} at ${base}, up ${formatDuration(up * 1000)}\n${none}${lines.join("")}`;
}

/** How it stands in its fleet; nothing where it belongs to none. */
function fleetLine({ fleet }: StatusView, { colours }: Io): string {
  if (fleet === undefined || fleet === null) return "";
  const { name, daemon, engine, connected, problem, serial, state, why, warnings = [] } = fleet;
  const notes = warnings.map((text) => `  ${colours.yellow("warning")} ${harmless(text)}\n`).join("");
  const as = `${daemon} of the fleet ${colours.bold(name)}`;
  if (!connected)
    return `${colours.yellow("alone")}: ${as}; ${engine} does not answer (${problem ?? "so far"})\n${notes}`;
  const said = state.replace("_", " ");
  const standing = state === "refused" ? colours.red(said) : said;
  const reason = why === null ? "" : ` (${why})`;
  const refusal = problem === null ? "" : `; ${colours.yellow(`${engine} refuses: ${problem}`)}`;
  return `${as}: plan ${serial}, ${standing}${reason}${refusal}\n${notes}`;
}

/** Nothing, if there was none or all was well. */
function reloadText({ last_reload: last }: StatusView, { colours }: Io): string {
  if (last === null || last.ok) return "";
  const lines = (last.problems ?? []).map(({ file, line, column, path, message, hint }) => {
    const where = file === "" ? "" : `${file}:${line}:${column} `;
    const about = path === "" ? "" : `${path}: `;
    return `  ${where}${about}${message}${hint === undefined ? "" : ` (${hint})`}\n`;
  });
  return `${colours.red("the last reload was refused")} at ${last.at}, and what was in force stays:\n${lines.join("")}`;
}
