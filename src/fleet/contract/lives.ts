/** Who is there, with all who share a name: the engine has one presence for each name, which tells of the others. Pure. */
import { PRESENCE_MAX_AGE, type Heard } from "./presence.js";

export interface Life extends Heard {
  /** Not by itself, but by another one of its name. */
  readonly isTold: boolean;
}

/** One for each life that is there, by name. */
export function livesOf(members: readonly Heard[]): readonly Life[] {
  return members
    .flatMap(({ presence, age }): readonly Life[] => {
      const others = presence.namesakes.filter(({ life }) => life !== presence.life);
      return [
        { presence: { ...presence, namesakes: [] }, age, isTold: false },
        ...others.flatMap(({ age_ms: before, ...other }) => {
          const heard = { presence: { ...other, namesakes: [] }, age: age + before, isTold: true };
          return heard.age < PRESENCE_MAX_AGE ? [heard] : [];
        }),
      ];
    })
    .toSorted(
      (one, other) =>
        compare(one.presence.daemon, other.presence.daemon) ||
        compare(one.presence.life, other.presence.life),
    );
}

const compare = (one: string, other: string): number => (one < other ? -1 : Number(one > other));

/** For people: names that several daemons have. */
export function namesakeWarnings(
  rows: readonly { readonly daemon: string; readonly life: string }[],
): readonly string[] {
  const lives = new Map<string, Set<string>>();
  for (const { daemon, life } of rows) lives.set(daemon, (lives.get(daemon) ?? new Set()).add(life));
  return [...lives].flatMap(([daemon, { size }]) =>
    size < 2
      ? []
      : [
          `${size} daemons go by the name ${daemon}, so what is said of one may be true of another: give each a name of its own (fleet.daemon)`,
        ],
  );
}
