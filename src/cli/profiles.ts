/** `squall profiles`: what there is to switch on, from the running daemon or, where none runs, from the files here. */
import { join } from "node:path";
import type { Command } from "commander";
import type { Library } from "../config/library.js";
import { type Layer } from "../config/library.js";
import type { ParamInfo } from "../config/profile.js";
import { SquallError } from "../core/errors.js";
import { compileProfile } from "../plan/compile.js";
import { jsonLine } from "../telemetry/entry.js";
import { AdminClient } from "./client.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { localLibrary, readLibrary, TYPES } from "./local-library.js";
import { withProfilesFlags, type ProfilesFlags } from "./profiles-flags.js";
import { remote } from "./remote.js";
import { drawTimeline } from "./timeline-text.js";

interface ProfileView {
  readonly name: string;
  readonly summary: string;
  readonly breaks: string;
  readonly survives: string;
  readonly tags: readonly string[];
  readonly params: readonly ParamInfo[];
  /** The file that it was read from. */
  readonly source: string;
  readonly origin: Layer;
  readonly shadows: boolean;
  readonly active?: boolean;
}

interface ProfilesOptions extends ProfilesFlags {
  readonly config?: string;
  readonly admin?: string;
  readonly token?: string;
  readonly json?: boolean;
  readonly local?: boolean;
  readonly timeline?: boolean;
}

interface Found {
  readonly profiles: readonly ProfileView[];
  /** All of them with their texts, to draw timelines from. */
  readonly library: () => Promise<Library>;
}

export function addProfiles(program: Command, io: Io): void {
  withProfilesFlags(remote(program.command("profiles")))
    .description("list the profiles of the running daemon, or of the files here if none runs")
    .option("--local", "those of the files here, without asking a daemon")
    .option("-c, --config <file>", "the configuration that names the profiles, without asking a daemon")
    .option("--timeline", "draw when which fault is there")
    .action(async (options: ProfilesOptions) => {
      const { profiles, library } = await find(options, io);
      if (options.json === true) {
        io.out(`${jsonLine({ profiles })}\n`);
        return;
      }
      const timelines = options.timeline === true ? timelinesOf(await library()) : () => [];
      for (const group of byTag(profiles)) io.out(groupText(group, timelines, io));
    });
}

async function find(options: ProfilesOptions, io: Io): Promise<Found> {
  const isLocal =
    [options.local, options.config, options.profiles].some(Boolean) || options.library === false;
  if (!isLocal) {
    try {
      const client = new AdminClient(options, io);
      const answer = (await client.call("GET", "/profiles")) as {
        readonly profiles: readonly ProfileView[];
      } | null;
      const { profiles } = client.known(answer, "profiles");
      return { profiles, library: () => libraryOf(client, profiles, io) };
    } catch (error) {
      const named = options.admin !== undefined || io.env["SQUALL_ADMIN"] !== undefined;
      if (named || !(error instanceof CommandError) || error.exitCode !== EXIT.unreachable) throw error;
    }
  }
  const library = await localLibrary(options, io);
  const profiles = library.entries.map(({ source, params, layer, shadows }) => ({
    name: source.name,
    summary: source.summary,
    breaks: source.breaks,
    survives: source.survives,
    tags: source.tags,
    params,
    source: source.file,
    origin: layer,
    shadows,
  }));
  return { profiles, library: () => Promise.resolve(library) };
}

/**
 * The daemon's profiles, as they are there: some may be in its memory only. Those that lie beneath others it does not show, and this
 * program's own stand in for them.
 */
async function libraryOf(client: AdminClient, profiles: readonly ProfileView[], io: Io): Promise<Library> {
  const shipped = join(io.home, "profiles");
  const library = await readLibrary({ library: shipped, own: [], named: true }, io, () => undefined);
  const texts: string[] = [];
  for (const { name } of profiles) {
    const { text } = (await client.call("GET", `/profiles/${name}`)) as { readonly text: string };
    texts.push(text);
  }
  library.putAll(texts);
  return library;
}

/** None for a profile that waits for a param that has no default: its times are not known. */
function timelinesOf(library: Library): (name: string) => string[] {
  return (name) => {
    try {
      return drawTimeline(compileProfile(name, library, {}, TYPES));
    } catch (error) {
      if (error instanceof SquallError) return [];
      throw error;
    }
  };
}

interface Group {
  readonly tag: string;
  readonly profiles: readonly ProfileView[];
}

/** Each profile stands under its first tag. */
function byTag(profiles: readonly ProfileView[]): Group[] {
  const groups = new Map<string, ProfileView[]>();
  for (const profile of profiles) {
    const tag = profile.tags[0] ?? "others";
    const group = groups.get(tag);
    if (group) group.push(profile);
    else groups.set(tag, [profile]);
  }
  return [...groups]
    .map(([tag, members]) => ({ tag, profiles: members }))
    .sort((a, b) => (a.tag < b.tag ? -1 : 1));
}

function groupText(
  { tag, profiles }: Group,
  timeline: (name: string) => readonly string[],
  { colours }: Io,
): string {
  const lines = profiles.map((profile) => {
    const { name, summary, params, active } = profile;
    const knobs = params
      .map((param) => `${param.name}=${param.required ? "?" : String(param.default)}`)
      .join(" ");
    const on = active === true ? ` ${colours.green("(on)")}` : "";
    const below = [
      ...(summary === "" ? [] : [summary]),
      ...(knobs === "" ? [] : [colours.dim(knobs)]),
      ...timeline(name),
    ];
    return `  ${colours.bold(name)}${on}  ${colours.dim(`(${originOf(profile)})`)}\n${below.map((line) => `      ${line}\n`).join("")}`;
  });
  return `${colours.cyan(tag)}\n${lines.join("")}`;
}

function originOf({ origin, source, shadows }: ProfileView): string {
  if (origin === "library") return "library";
  if (origin === "memory") return shadows ? "memory, in place of the one in a file" : "memory";
  return shadows ? `${source}, in place of the library's` : source;
}
