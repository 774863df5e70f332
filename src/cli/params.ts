/** `--param name=value`, as several commands take it. */
import { CommandError, EXIT } from "./io.js";

export function paramsOf(texts: readonly string[] = []): Record<string, string> {
  const params: Record<string, string> = {};
  for (const text of texts) {
    const at = text.indexOf("=");
    if (at < 1)
      throw new CommandError(EXIT.usage, `--param: expected name=value, got ${JSON.stringify(text)}`);
    params[text.slice(0, at)] = text.slice(at + 1);
  }
  return params;
}
