/**
 * A drawing as the elements of an SVG picture, without script and without anything from elsewhere: its colours are those of the page, by
 * class. A report writes them as text, the dashboard makes nodes of them.
 */
import type { Drawing, Shape } from "./sequence.js";

export interface SvgElement {
  readonly name: "svg" | "line" | "path" | "text";
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly children: readonly SvgElement[];
  /** Of `text` only. */
  readonly text: string;
}

const TIP = 7;

export function svgOf({ width, height, label, shapes }: Drawing): SvgElement {
  const attributes = {
    "viewBox": `0 0 ${String(width)} ${String(height)}`,
    "role": "img",
    "aria-label": label,
  };
  return { name: "svg", attributes, children: shapes.flatMap(elementsOf), text: "" };
}

function elementsOf(shape: Shape): SvgElement[] {
  switch (shape.kind) {
    case "line": {
      const { x1, y1, x2, y2, tone } = shape;
      return [element("line", { class: tone, x1, y1, x2, y2 })];
    }
    case "arrow": {
      const { from, to, y, tone } = shape;
      const back = to > from ? to - TIP : to + TIP;
      const tip = `M${String(to)} ${String(y)}L${String(back)} ${String(y - 4)}L${String(back)} ${String(y + 4)}Z`;
      return [
        element("line", { class: tone, x1: from, y1: y, x2: back, y2: y }),
        element("path", { class: `${tone} tip`, d: tip }),
      ];
    }
    case "lost": {
      const { from, to, y } = shape;
      const end = from + (to - from) / 4;
      const cross = [
        `M${String(end - 5)} ${String(y - 5)}L${String(end + 5)} ${String(y + 5)}`,
        `M${String(end - 5)} ${String(y + 5)}L${String(end + 5)} ${String(y - 5)}`,
      ].join("");
      return [
        element("line", { class: "fault dashed", x1: from, y1: y, x2: end, y2: y }),
        element("path", { class: "fault", d: cross }),
      ];
    }
    case "text": {
      const { x, y, text, anchor, tone } = shape;
      return text === "" ? [] : [element("text", { "class": tone, x, y, "text-anchor": anchor }, text)];
    }
  }
}

function element(name: SvgElement["name"], attributes: SvgElement["attributes"], text = ""): SvgElement {
  return { name, attributes, children: [], text };
}
