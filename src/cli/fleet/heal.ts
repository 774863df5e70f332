/** `squall heal --fleet`: ends what the fleet has on, all of it or one activation, whoever switched it on. */
import { jsonLine } from "../../telemetry/entry.js";
import { CommandError, EXIT, type Io } from "../io.js";
import type { Naming } from "../refusal.js";
import {
  callerOf,
  daemonRows,
  fleetClient,
  warningLines,
  type FleetOptions,
  type OutcomeView,
} from "./ask.js";

const NAMING: Naming = { option: (path) => (["wait", "why", "by"].includes(path) ? `--${path}` : undefined) };

export async function healFleet(
  activation: string | undefined,
  options: FleetOptions,
  io: Io,
): Promise<void> {
  const client = fleetClient(options, io);
  const { wait, why } = options;
  const query = new URLSearchParams({
    by: callerOf(options, io),
    ...(why === undefined ? {} : { why }),
    ...(wait === undefined ? {} : { wait }),
  });
  const path = `/fleet/active${activation === undefined ? "" : `/${encodeURIComponent(activation)}`}`;
  const answer = (await client.call(
    "DELETE",
    `${path}?${query.toString()}`,
    undefined,
    NAMING,
  )) as OutcomeView;
  const { serial, met, daemons, activations, warnings = [] } = client.known(answer, "daemons");
  if (options.json === true) io.out(`${jsonLine(answer)}\n`);
  else {
    const heard = daemons.map((row) =>
      row.state === "silent" ? row : { ...row, state: "healed", why: null },
    );
    const left = activations.map(({ id }) => `  ${id} is still on\n`).join("");
    const silent = daemons.filter(({ state }) => state === "silent").length;
    const counts = `${daemons.length - silent} healed, ${silent} silent`;
    io.out(
      `${io.colours.bold(activation ?? "the fleet")}: ${counts}; plan ${serial}\n${daemonRows(heard, io, (state) => state === "healed")}${left}`,
    );
    io.err(warningLines(warnings, io));
  }
  if (met) return;
  throw new CommandError(
    EXIT.failed,
    "the plan is written, and not all daemons have said that they have read it; what is on there ends in time",
  );
}
