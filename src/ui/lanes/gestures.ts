/** What hands do on the lanes: point, drag to choose a stretch, drag with a finger or Shift to move, turn a wheel, and press keys. */

export interface GestureParts {
  /** In pixels of the element; null when nobody points any more. */
  readonly point: (at: Point | null) => void;
  readonly open: (at: Point) => void;
  /** A stretch is being chosen; null when it is not any more. */
  readonly choosing: (stretch: Stretch | null) => void;
  readonly chosen: (stretch: Stretch) => void;
  /** By so many pixels; above 0 to the past. */
  readonly pan: (pixels: number) => void;
  readonly zoom: (factor: number, x: number) => void;
  readonly live: () => void;
  /** True if the key meant something. */
  readonly key: (key: string) => boolean;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** A hand is not still when it clicks. */
const STILL = 4;
/** One notch of most wheels is 100 pixels: a quarter more or less. */
const PER_PIXEL = Math.log(1.25) / 100;

export class Gestures {
  readonly #parts: GestureParts;
  #pressed: { readonly start: Point; readonly pans: boolean; last: Point; moved: boolean } | null = null;

  /** Its listeners go with the element. */
  constructor(element: HTMLElement, parts: GestureParts) {
    this.#parts = parts;
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const start = placeOf(event);
      this.#pressed = {
        start,
        pans: event.pointerType === "touch" || event.shiftKey,
        last: start,
        moved: false,
      };
      element.setPointerCapture(event.pointerId);
    });
    element.addEventListener("pointermove", (event) => {
      this.#moved(placeOf(event));
    });
    element.addEventListener("pointerup", (event) => {
      this.#released(placeOf(event));
    });
    element.addEventListener("pointercancel", () => {
      this.#let();
    });
    element.addEventListener("pointerleave", () => {
      if (this.#pressed === null) parts.point(null);
    });
    element.addEventListener("dblclick", () => {
      parts.live();
    });
    element.addEventListener(
      "wheel",
      (event) => {
        this.#turned(event);
      },
      { passive: false },
    );
    element.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Escape" && this.#pressed !== null) this.#let();
      else if (!parts.key(event.key)) return;
      event.preventDefault();
    });
  }

  #moved(at: Point): void {
    const pressed = this.#pressed;
    if (pressed === null) {
      this.#parts.point(at);
      return;
    }
    pressed.moved ||= Math.abs(at.x - pressed.start.x) > STILL;
    if (pressed.moved && pressed.pans) this.#parts.pan(at.x - pressed.last.x);
    else if (pressed.moved) this.#parts.choosing({ from: pressed.start.x, to: at.x });
    pressed.last = at;
  }

  #released(at: Point): void {
    const pressed = this.#pressed;
    this.#let();
    if (pressed === null) return;
    if (!pressed.moved) this.#parts.open(at);
    else if (!pressed.pans)
      this.#parts.chosen({ from: Math.min(pressed.start.x, at.x), to: Math.max(pressed.start.x, at.x) });
  }

  #let(): void {
    this.#pressed = null;
    this.#parts.choosing(null);
  }

  /** A plain wheel scrolls the page, as everywhere; across, or with Shift, it moves in time, and with Ctrl it zooms. */
  #turned(event: WheelEvent): void {
    const { deltaX, deltaY, ctrlKey, metaKey, shiftKey, offsetX, deltaMode } = event;
    const unit = deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : 33;
    if (ctrlKey || metaKey) this.#parts.zoom(Math.exp(deltaY * unit * PER_PIXEL), offsetX);
    else if (shiftKey || Math.abs(deltaX) > Math.abs(deltaY))
      this.#parts.pan(-(shiftKey && deltaX === 0 ? deltaY : deltaX) * unit);
    else return;
    event.preventDefault();
  }
}

function placeOf({ offsetX, offsetY }: MouseEvent): Point {
  return { x: offsetX, y: offsetY };
}
