/** A drawing as SVG, without script and without anything from elsewhere: its colours are those of the page, by class. */
import type { Drawing, Shape } from "./sequence.js";
import { attributes, escaped } from "./xml.js";

const TIP = 7;

export function svgOf({ width, height, label, shapes }: Drawing): string {
  const head = attributes({
    "viewBox": `0 0 ${String(width)} ${String(height)}`,
    "role": "img",
    "aria-label": label,
  });
  return `<svg${head}>${shapes.map(shapeSvg).join("")}</svg>`;
}

function shapeSvg(shape: Shape): string {
  switch (shape.kind) {
    case "line": {
      const { x1, y1, x2, y2, tone } = shape;
      return `<line${attributes({ class: tone, x1, y1, x2, y2 })}/>`;
    }
    case "arrow": {
      const { from, to, y, tone } = shape;
      const back = to > from ? to - TIP : to + TIP;
      const tip = `M${String(to)} ${String(y)}L${String(back)} ${String(y - 4)}L${String(back)} ${String(y + 4)}Z`;
      return (
        `<line${attributes({ class: tone, x1: from, y1: y, x2: back, y2: y })}/>` +
        `<path${attributes({ class: `${tone} tip`, d: tip })}/>`
      );
    }
    case "lost": {
      const { from, to, y } = shape;
      const end = from + (to - from) / 4;
      const cross = [
        `M${String(end - 5)} ${String(y - 5)}L${String(end + 5)} ${String(y + 5)}`,
        `M${String(end - 5)} ${String(y + 5)}L${String(end + 5)} ${String(y - 5)}`,
      ].join("");
      return (
        `<line${attributes({ class: "fault dashed", x1: from, y1: y, x2: end, y2: y })}/>` +
        `<path${attributes({ class: "fault", d: cross })}/>`
      );
    }
    case "text": {
      const { x, y, text, anchor, tone } = shape;
      return text === ""
        ? ""
        : `<text${attributes({ "class": tone, x, y, "text-anchor": anchor })}>${escaped(text)}</text>`;
    }
  }
}
