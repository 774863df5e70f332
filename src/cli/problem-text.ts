/** A mistake as the command line says it: by its option where it was made there, else with its place and the line itself. */
import { formatProblem, type Problem, type SquallError } from "../core/errors.js";

/** A flag, what stands behind `--`, or a variable: it has one value, so there is no line to point at. */
const ORIGIN = /^(?:--[a-z-]+|the command line|SQUALL__\w+|LOG_LEVEL)$/u;

export function problemText(problem: Problem): string {
  const { file, path, message, hint } = problem;
  if (!ORIGIN.test(file)) return formatProblem(problem);
  const about = /^(?:--|the )/u.test(file) || path === "" ? "" : `${path}: `;
  // It is said already whose value it is.
  const said = message.replace(` (the value of ${file})`, "");
  return `${file}: ${about}${said}${hint === undefined ? "" : ` (${hint})`}`;
}

/** All mistakes of an error, each once; `name` is who says so. */
export function problemsText(name: string, { details = [], message }: SquallError): string {
  const [first, second] = details;
  if (first === undefined) return `${name}: ${message}\n`;
  if (second === undefined) return `${name}: ${problemText(first)}\n`;
  // So many are kept as can be read; the message counts all.
  const [, more = details.length - 1] = /\(and (\d+) more mistakes?\)$/u.exec(message) ?? [];
  return `${details.map((one) => `${problemText(one)}\n`).join("")}${name}: ${Number(more) + 1} mistakes\n`;
}
