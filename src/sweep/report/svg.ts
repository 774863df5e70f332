/** The elements of a drawing as text. */
import type { SvgElement } from "../../drawing/svg.js";
import { attributes, escaped } from "./xml.js";

export function svgText({ name, attributes: given, children, text }: SvgElement): string {
  const start = `<${name}${attributes(given)}`;
  const inside = `${escaped(text)}${children.map(svgText).join("")}`;
  return inside === "" ? `${start}/>` : `${start}>${inside}</${name}>`;
}
