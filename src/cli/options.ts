/** Values of options that several commands take, checked where they enter. */
import { parseDuration } from "../core/units.js";
import { CommandError, EXIT } from "./io.js";

export function durationOption(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const millis = parseDuration(text);
  if (millis === null)
    throw new CommandError(
      EXIT.usage,
      `--${name}: expected a duration such as 30s, got ${JSON.stringify(text)}`,
    );
  return millis;
}

export function numberOption(name: string, text: string, max: number): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < 0 || value > max) {
    throw new CommandError(
      EXIT.usage,
      `--${name}: expected a whole number up to ${max}, got ${JSON.stringify(text)}`,
    );
  }
  return value;
}
