/** The lines that start the same run again. Pure. */
import { shellWord } from "../../core/shell-word.js";
import type { LiveActivation } from "../../live/contract.js";

export interface AgainLine {
  readonly label: string;
  readonly text: string;
}

/** `commands` by activation; what is on still can be asked for with curl as well, and with the same seed is the same run. */
export function againLines(
  commands: Readonly<Record<string, string>>,
  active: readonly LiveActivation[],
  origin: string,
): readonly AgainLine[] {
  return Object.entries(commands).flatMap(([id, text]) => {
    const activation = active.find((one) => one.id === id);
    const line = { label: "squall", text };
    // What the fleet has on no call of this daemon alone brings about again.
    return activation === undefined || activation.fleet
      ? [line]
      : [line, { label: "curl", text: curlOf(activation, origin) }];
  });
}

function curlOf({ profile, params, seed, proxies, mode }: LiveActivation, origin: string): string {
  const body = {
    profile,
    seed,
    ...(Object.keys(params).length === 0 ? {} : { params }),
    ...(proxies === null ? {} : { proxies }),
    ...(mode === "observe" ? { mode } : {}),
  };
  return `curl -X PUT ${shellWord(`${origin}/active`)} -d ${shellWord(JSON.stringify(body))}`;
}
