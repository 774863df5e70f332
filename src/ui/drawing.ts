/** Drawings that are data, as nodes of the page: what a client sent becomes text in them, and never markup. */
import type { SvgElement } from "../drawing/svg.js";

const NAMESPACE = "http://www.w3.org/2000/svg";

export function svgNode({ name, attributes, children, text }: SvgElement): SVGElement {
  const node = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  if (text !== "") node.textContent = text;
  node.append(...children.map(svgNode));
  return node;
}
