/** The value of an option that may be anything YAML can say: a word, a number, a list, a mapping. */
import { readDocuments } from "../config/source.js";
import { toPlain } from "../config/located.js";
import { Problems } from "../config/problems.js";
import { CommandError, EXIT } from "./io.js";

/** Nothing at all is text without characters, and not YAML's null. Throws a CommandError that names the option. */
export function yamlValue(option: string, text: string): unknown {
  if (text.trim() === "") return text;
  const problems = new Problems();
  const [document, second] = readDocuments(text, option, problems);
  const [problem] = problems.list();
  if (problem !== undefined) {
    const { message, hint = `to say text, put quotes around it: ${option} '${quoted(text)}'` } = problem;
    throw new CommandError(EXIT.usage, `${option}: ${message}, got ${JSON.stringify(text)} (${hint})`);
  }
  if (second !== undefined)
    throw new CommandError(EXIT.usage, `${option}: expected one value, got several YAML documents`);
  return document === undefined ? null : toPlain(document.tree);
}

/** As YAML reads it for text, whatever is in it; between the single quotes of a shell. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll("'", `'\\''`);
}
