/** Where in the form a mistake stands that the daemon found. Pure. */
import type { Mistake } from "../mistake.js";

export interface Mistakes {
  /** By the field: `seed`, `ttl`, `proxies`, or `params.NAME`. */
  readonly fields: ReadonlyMap<string, string>;
  /** Those that belong to none. */
  readonly others: readonly string[];
}

export const NO_MISTAKES: Mistakes = { fields: new Map(), others: [] };

const FIELD = /^(seed|ttl|proxies|mode|params\.[^.[\]]+)/u;

const VALUE_OF = / \(the value of param "([^"]+)"\)$/u;

export function mistakesOf(
  error: {
    readonly message: string;
    readonly path: string;
    readonly hint: string;
    readonly mistakes: readonly Mistake[];
  },
  params: ReadonlySet<string>,
): Mistakes {
  const all: readonly Mistake[] =
    error.mistakes.length > 0
      ? error.mistakes
      : [{ path: error.path, message: error.message, ...(error.hint === "" ? {} : { hint: error.hint }) }];
  const fields = new Map<string, string>();
  const others: string[] = [];
  for (const { path, message, hint } of all) {
    const field = fieldOf(path, params) ?? named(message, params);
    const plain = field === null ? message : message.replace(VALUE_OF, "");
    const said = hint === undefined || hint === "" ? plain : `${plain} (${hint})`;
    if (field === null) others.push(said);
    else if (!fields.has(field)) fields.set(field, said);
  }
  return { fields, others };
}

function fieldOf(path: string, params: ReadonlySet<string>): string | null {
  const [, field = null] = FIELD.exec(path) ?? [];
  if (field !== null) return field;
  return params.has(path) ? `params.${path}` : null;
}

/** A value that is wrong where the profile uses it: the message ends with `(the value of param "every")`. */
function named(message: string, params: ReadonlySet<string>): string | null {
  const [, param = ""] = VALUE_OF.exec(message) ?? [];
  return params.has(param) ? `params.${param}` : null;
}
