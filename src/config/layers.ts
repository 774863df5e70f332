/**
 * Which profile a name means: the profiles that come with Squall lie at the bottom, those of one's own files above them, and on top
 * what the API made. The highest counts. Pure look-ups; `Library` owns the layers and swaps them.
 */
import type { ProfileView } from "./extends.js";
import type { ProfileSource } from "./profile.js";

export type Sources = ReadonlyMap<string, ProfileSource>;

export const LAYERS = ["memory", "file", "library"] as const;
export type Layer = (typeof LAYERS)[number];

/** From the highest to the lowest. */
export type Layers = Readonly<Record<Layer, Sources>>;

export const NO_LAYERS: Layers = { memory: new Map(), file: new Map(), library: new Map() };

/**
 * The layers as one. A name in `extends` means the highest profile of that name, with two exceptions: a profile that extends its
 * own name means the one beneath it, on which it builds; and what comes with Squall builds only on what comes with Squall, so that no
 * profile of one's own can break it or lead it into a circle.
 */
export function viewOf(layers: Layers): ProfileView {
  const all = new Set(LAYERS.flatMap((layer) => [...layers[layer].keys()]));
  const names = [...all].sort();
  return {
    get: (name) => highest(layers, name, 0),
    names: () => names,
    parent: (child, name) => {
      const own = LAYERS.findIndex((layer) => layers[layer].get(child.name) === child);
      if (name === child.name) return own < 0 ? undefined : highest(layers, name, own + 1);
      return highest(layers, name, LAYERS[own] === "library" ? own : 0);
    },
  };
}

/** The layer that a name is taken from. */
export function layerOf(layers: Layers, name: string): Layer | null {
  return LAYERS.find((layer) => layers[layer].has(name)) ?? null;
}

/** Whether a lower layer has a profile of that name as well. */
export function isShadowing(layers: Layers, name: string): boolean {
  return LAYERS.filter((layer) => layers[layer].has(name)).length > 1;
}

/** Whether the profile builds on another of that name, directly or not. */
export function reaches(source: ProfileSource, name: string, view: ProfileView): boolean {
  const seen = new Set<ProfileSource>();
  const look = (child: ProfileSource): boolean => {
    if (seen.has(child)) return false;
    seen.add(child);
    return child.extends.some((parent) => {
      if (parent === name) return true;
      const next = view.parent(child, parent);
      return next !== undefined && look(next);
    });
  };
  return look(source);
}

function highest(layers: Layers, name: string, from: number): ProfileSource | undefined {
  for (const layer of LAYERS.slice(from)) {
    const source = layers[layer].get(name);
    if (source !== undefined) return source;
  }
  return undefined;
}
