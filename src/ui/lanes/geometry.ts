/** Where lanes stand on the page, in pixels down: roomy where there are few, close together where there are many. Pure. */

export interface LaneRow {
  readonly bot: string;
  readonly top: number;
  readonly height: number;
  readonly tracks: number;
}

export interface Geometry {
  readonly rows: readonly LaneRow[];
  readonly height: number;
  /** Of the two bars of each track, and of what stands between tracks. */
  readonly client: number;
  readonly upstream: number;
  readonly gap: number;
  /** Above the first track of each lane: for threads, and on narrow pages for its name. */
  readonly above: number;
}

const ROOMY_MAX = 8;
const BETWEEN = 1;
const BELOW = 5;

export function geometryOf(lanes: readonly { bot: string; tracks: number }[], narrow: boolean): Geometry {
  const roomy = lanes.length <= ROOMY_MAX;
  const [client, upstream, gap] = roomy ? [11, 8, 5] : [7, 5, 3];
  const above = (roomy ? 9 : 6) + (narrow ? 15 : 0);
  let top = 0;
  const rows = lanes.map(({ bot, tracks }) => {
    const height = Math.max(
      above + tracks * (client + BETWEEN + upstream) + (tracks - 1) * gap + BELOW,
      narrow ? 0 : 30,
    );
    const row = { bot, top, height, tracks };
    top += height;
    return row;
  });
  return { rows, height: top, client, upstream, gap, above };
}

/** The top of a bar, from the top of its lane. */
export function barTop(
  { above, client, upstream, gap }: Geometry,
  side: "client" | "upstream",
  track: number,
): number {
  const top = above + track * (client + BETWEEN + upstream + gap);
  return side === "client" ? top : top + client + BETWEEN;
}

/** Which lane and track are there; null for none. */
export function rowAt(
  geometry: Geometry,
  y: number,
): { readonly row: LaneRow; readonly track: number } | null {
  const row = geometry.rows.find(({ top, height }) => y >= top && y < top + height);
  if (row === undefined) return null;
  const { above, client, upstream, gap } = geometry;
  const track = Math.floor((y - row.top - above + gap / 2) / (client + BETWEEN + upstream + gap));
  return { row, track: Math.min(Math.max(track, 0), row.tracks - 1) };
}
