/** What the signs of the lanes mean. */
import { html, svg, type TemplateResult } from "../vendor/lit-html.js";
import { GLYPH_WORDS, GLYPHS } from "./glyphs.js";
import { SHAPES } from "./look.js";

/** Closed at first where there is little room. */
export function legend(open: boolean): TemplateResult {
  return html`<details class="lanes-legend" ?open=${open}>
    <summary>What is drawn, and what mouse and keys do</summary>
    <ul>
      <li>
        ${swatch(svg`<rect class="bar-fine" x="1" y="2" width="44" height="7"></rect><rect class="bar-fine faded" x="6" y="10" width="32" height="5"></rect>`)}
        above what the bot lived through, below what the server did
      </li>
      <li>
        ${swatch(svg`<path class="bar-cut" d="M1 2H38l-3 2 3 1.500-3 2 3 1.500H1z"></path><rect class="bar-good" x="6" y="10" width="24" height="5"></rect>`)}
        a lost answer: the server was done, the bot has nothing
      </li>
      <li>
        ${swatch(svg`<rect class="bar-fine" x="1" y="4" width="44" height="9"></rect><path class="bar-hatch" d="M12 13l9-9M18 13l9-9M24 13l9-9M12 4h22v9H12z"></path>`)}
        time that Squall added
      </li>
      <li>
        ${swatch(svg`<rect class="bar-frame" x="1.500" y="4.500" width="43" height="8"></rect><path class="bar-frame" d="M2 8.500h42"></path>`)}
        an error was the answer
      </li>
      <li>
        ${swatch(svg`<path class="thread" d="M4 14Q4 4 12 4H34Q42 4 42 12M39.500 9.500L42 13l2.500-3.500"></path>`)}
        tried again
      </li>
      <li>
        ${swatch(svg`<path class="bar-gap" d="M8 1v15M38 1v15"></path>`)} not watched: the tab was hidden, or
        there was no connection
      </li>
      ${SHAPES.map(
        (shape) =>
          html`<li>
            <svg class="glyph glyph-${shape}" viewBox="0 0 16 16" aria-hidden="true">
              <path d=${GLYPHS[shape]}></path>
            </svg>
            ${GLYPH_WORDS[shape]}
          </li>`,
      )}
    </ul>
    <p id="lanes-help">
      Drag to choose a stretch of time, Ctrl and the wheel to zoom, Shift and drag to move, and click a bar
      for why. With the keyboard: left and right go from exchange to exchange, up and down from bot to bot, +
      and - zoom, Page Up and Page Down move, End goes back to live, and Enter says why.
    </p>
  </details>`;
}

function swatch(content: TemplateResult): TemplateResult {
  return html`<svg class="swatch" viewBox="0 0 46 17" aria-hidden="true">${content}</svg>`;
}
