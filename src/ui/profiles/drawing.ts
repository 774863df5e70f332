/** The course of a profile as a picture: phases as bands, and a row for each fault with what it does when. */
import { DEED_WORDS, deedOf } from "../deeds.js";
import { duration } from "../format.js";
import { mark, name } from "../parts.js";
import { seen } from "../text.js";
import { html, nothing, svg, type TemplateResult } from "../vendor/lit-html.js";
import type { Course, CourseRow } from "./answers.js";

const ROW = 26;
const WIDTH = 1_000;
/** What is there for a moment only is to be seen all the same. */
const SPAN_MIN = 6;

export function drawing(course: Course): TemplateResult {
  const { headline, phases, rows, shown_ms: shown } = course;
  const at = (time: number): number => (time / shown) * WIDTH;
  return html`<figure class="course" role="img" aria-label=${`Course: ${spoken(course)}`}>
    <div class="course-grid" aria-hidden="true">
      ${
        phases.length === 0
          ? nothing
          : html`<span></span>
              <div class="course-phases">
                ${phases.map(
                  ({ phase, from_ms, until_ms }) =>
                    html`<span
                      .style=${`flex:${Math.max(0.02, (until_ms - from_ms) / shown)} 1 0`}
                      title=${seen(phase)}
                      >${seen(phase, 24)}</span
                    >`,
                )}
              </div>`
      }
      ${rows.map(
        (row) =>
          html`<span class="course-name">${mark(deedOf(row.type))} ${name(row.fault, 32)}</span>
            <svg viewBox="0 0 ${WIDTH} ${ROW}" preserveAspectRatio="none" class="deed-${deedOf(row.type)}">
              ${phases.map(({ from_ms }, index) =>
                index > 0 ? svg`<path class="course-line" d="M${at(from_ms)} 0V${ROW}"></path>` : nothing,
              )}
              <path class="course-base" d="M0 ${ROW / 2}H${WIDTH}"></path>
              ${row.spans.map((span) => bar(span, at))}
            </svg>`,
      )}
      <span></span>
      <div class="course-ends">
        <span>0</span><span>${course.endless ? "until healed" : duration(shown)}</span>
      </div>
    </div>
    <figcaption>${seen(headline, 400)}</figcaption>
  </figure>`;
}

function bar(
  { from_ms, until_ms, level }: CourseRow["spans"][number],
  at: (time: number) => number,
): TemplateResult {
  const from = Math.min(at(from_ms), WIDTH - SPAN_MIN);
  const until = Math.max(at(until_ms), from + SPAN_MIN);
  const [top, bottom] = [4, ROW - 4];
  // A ramp is a wedge; a share of those who come by, a bar of half the height.
  const shape =
    level === "rising"
      ? `M${from} ${bottom}L${until} ${top}V${bottom}Z`
      : level === "falling"
        ? `M${from} ${top}L${until} ${bottom}H${from}Z`
        : level === "some"
          ? `M${from} ${ROW / 2 - 4}H${until}V${ROW / 2 + 4}H${from}Z`
          : `M${from} ${top}H${until}V${bottom}H${from}Z`;
  return svg`<path class="course-bar course-${level}" d=${shape}></path>`;
}

const LEVELS = { all: "for all", some: "for a share", rising: "growing", falling: "fading" } as const;

function spoken({ headline, rows }: Course): string {
  const faults = rows.map(
    ({ fault, type, spans }) =>
      `${seen(fault, 40)} (${DEED_WORDS[deedOf(type)]}) ${spans.length === 0 ? "" : LEVELS[spans[0]?.level ?? "all"]}`,
  );
  return `${seen(headline, 200)}. ${faults.join("; ")}`;
}
