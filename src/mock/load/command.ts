/** The text of `squall load`: a bar while it runs on a terminal, then what the audit found, for people or as JSON. */
import { lifetime } from "../lifetime.js";
import { runLoad, type LoadOptions, type LoadReport } from "./load.js";
import { progressBar, type BarColours } from "./progress.js";

export interface LoadCommandOptions extends Omit<LoadOptions, "signal" | "onProgress"> {
  readonly json: boolean;
}

export interface LoadOutput {
  readonly out: (text: string) => void;
  readonly terminal: boolean;
  readonly colours: BarColours & { readonly red: (text: string) => string };
}

const IDS_SHOWN = 5;

/** False if a job was lost or completed twice. */
export async function loadCommand(
  { json, ...options }: LoadCommandOptions,
  to: LoadOutput,
): Promise<boolean> {
  const { signal, end } = lifetime();
  const drawn = to.terminal && !json;
  try {
    const report = await runLoad({
      ...options,
      signal,
      // Back to the start of the line, and the rest of an older, longer line away.
      onProgress: (progress) => {
        if (drawn) to.out(`\r${progressBar(progress, to.colours)}\u001b[K`);
      },
    });
    to.out(
      json ? `${JSON.stringify(report)}\n` : `${drawn ? "\n" : ""}${describeReport(report, to.colours)}\n`,
    );
    return report.ok;
  } finally {
    end();
  }
}

export function describeReport(report: LoadReport, { green, yellow, red }: LoadOutput["colours"]): string {
  const lines = [
    `${report.submitted} of ${report.jobs} jobs submitted, ${report.completed} completed, ${report.failed} failed ` +
      `in ${report.seconds} s (${report.jobs_per_second} a second)`,
  ];
  if (report.executed_again > 0 || report.refused_calls > 0)
    lines.push(
      yellow(
        `${report.executed_again} executed more than once, ${report.refused_calls} calls of bots refused`,
      ),
    );
  if (report.timed_out) lines.push(red("the time was up before all had finished"));
  if (report.lost.length > 0) lines.push(red(`lost: ${some(report.lost)}`));
  if (report.twice.length > 0) lines.push(red(`completed twice: ${some(report.twice)}`));
  if (report.ok) lines.push(green("no job lost, none completed twice"));
  return lines.join("\n");
}

function some(ids: readonly string[]): string {
  const more = ids.length - IDS_SHOWN;
  return `${ids.slice(0, IDS_SHOWN).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
