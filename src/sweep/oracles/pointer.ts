/** JSON pointers (RFC 6901), with `*` for any one step, and the leaves of a document by their pointers. */

export type Steps = readonly string[];

/** `/jobs/0/id` as its steps; a pointer begins with `/`, the whole document is the empty text. */
export function stepsOf(pointer: string): Steps {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

export function pointerOf(steps: Steps): string {
  return steps.map((step) => `/${step.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** Whether a pattern names this place or one above it. */
export function covers(pattern: Steps, steps: Steps): boolean {
  return (
    pattern.length <= steps.length && pattern.every((step, index) => step === "*" || step === steps[index])
  );
}

/** Numbers of list items and names that look drawn are no part of what tells one difference from another. */
export function shapeOf(steps: Steps): string {
  return pointerOf(
    steps.map((step) => (/^\d+$/u.test(step) || /^[0-9a-f-]{12,}$/iu.test(step) ? "*" : step)),
  );
}

export type Leaf = string | number | boolean | null | "{}" | "[]";

/** Every value that holds no other, by its pointer; lists and objects that are empty are leaves too. */
export function leavesOf(
  document: unknown,
  ignore: readonly Steps[],
): Map<string, { steps: Steps; value: unknown }> {
  const leaves = new Map<string, { steps: Steps; value: unknown }>();
  const visit = (value: unknown, steps: Steps): void => {
    if (ignore.some((pattern) => covers(pattern, steps))) return;
    if (Array.isArray(value) && value.length > 0) {
      for (const [index, item] of value.entries()) visit(item, [...steps, String(index)]);
    } else if (typeof value === "object" && value !== null && Object.keys(value).length > 0) {
      for (const [name, item] of Object.entries(value)) visit(item, [...steps, name]);
    } else leaves.set(pointerOf(steps), { steps, value });
  };
  visit(document, []);
  return leaves;
}
