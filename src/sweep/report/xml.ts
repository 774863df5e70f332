/** Text in XML and HTML. */

/** Characters that XML 1.0 has no way to write (section 2.2), lone surrogates among them. */
const UNWRITABLE = /[^\u0009\u000a\u000d\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

const NAMED: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** For text and for quoted attributes, in both languages. */
export function escaped(text: string): string {
  return text.replace(UNWRITABLE, "\ufffd").replace(/[&<>"']/gu, (char) => NAMED[char] ?? char);
}

/** `name="value"` for each that is given, with a space before. */
export function attributes(values: Readonly<Record<string, string | number | null>>): string {
  return Object.entries(values)
    .map(([name, value]) => (value === null ? "" : ` ${name}="${escaped(String(value))}"`))
    .join("");
}
