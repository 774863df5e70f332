/** O1, O2 and O3: how the command ended, and what the user's own check said afterwards. */
import type { Exit, RunResult } from "../contract/run.js";
import { errorLine, spokenLine } from "./error-line.js";
import { rightlyRefused } from "./accepted.js";
import { seconds } from "./calls.js";
import type { Oracle } from "./evidence.js";

/** O1: it ended by a code other than 0, or by a signal that nobody here sent. Who refuses what is to be refused may say that it failed. */
export const badExit: Oracle = ({ run: { exit, output, record }, faults }) => {
  if (exit.kind === "hung" || (exit.kind === "exit" && exit.code === 0)) return [];
  if (exit.kind === "exit" && rightlyRefused(faults, record.handshakes ?? [])) return [];
  const how = exitText(exit);
  const line = errorLine(output);
  const said = spokenLine(output);
  return [
    {
      verdict: "FAILED",
      oracle: "O1",
      signature: line === null ? how : `${how}: ${line}`,
      text: said === null ? `${how}, without a word` : `${how}: ${said}`,
    },
  ];
};

/** O2: it did not end. */
export const hang: Oracle = ({ run: { exit } }) =>
  exit.kind === "hung" ? [{ verdict: "HUNG", oracle: "O2", signature: "hung", text: exitText(exit) }] : [];

/** O3: after healing and settling, the user's own check. A run that failed by itself has not come to where it can be asked. */
export const failedCheck: Oracle = ({ run: { check, exit } }) => {
  if (check === null || check.ok || !endedWell(exit)) return [];
  const output = { stdout: "", stderr: check.text };
  const line = errorLine(output) ?? "";
  return [
    {
      verdict: "WRONG",
      oracle: "O3",
      signature: line === "" ? "check" : `check: ${line}`,
      text: `the check failed after healing${line === "" ? "" : `: ${spokenLine(output) ?? ""}`}`,
    },
  ];
};

/** It ended by itself and says that all is well. */
export const endedWell = (exit: Exit): boolean => exit.kind === "exit" && exit.code === 0;

/**
 * The same, and all that it had to do was done and seen: what runs all the time is watched for longer or shorter, and counts mean nothing
 * there, nor do they where the record is cut.
 */
export const isWhole = ({ exit, healed = null, record }: RunResult): boolean =>
  endedWell(exit) && healed === null && record.cut === undefined;

/** `exit 1`, `ended by SIGSEGV`, `hung for 31 s`. */
export function exitText(exit: Exit): string {
  switch (exit.kind) {
    case "exit":
      return `exit ${exit.code}`;
    case "signal":
      return `ended by ${exit.signal}`;
    case "hung":
      return exit.why === "timeout"
        ? `did not end within ${seconds(exit.ms)}`
        : `hung: nothing moved, neither on the wire nor in its processes, until it was ended after ${seconds(exit.ms)}`;
  }
}
