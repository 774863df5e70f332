/** `squall profiles`: what there is to switch on, from the running daemon or, where none runs, from the files here. */
import type { Command } from "commander";
import { Library } from "../config/library.js";
import type { ParamInfo } from "../config/profile.js";
import { SquallError } from "../core/errors.js";
import { compileProfile } from "../plan/compile.js";
import { jsonLine } from "../telemetry/entry.js";
import { AdminClient } from "./client.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { remote } from "./remote.js";
import { drawTimeline } from "./timeline-text.js";
import { localLibrary, TYPES } from "./validate.js";

interface ProfileView {
  readonly name: string;
  readonly summary: string;
  readonly breaks: string;
  readonly survives: string;
  readonly tags: readonly string[];
  readonly params: readonly ParamInfo[];
  readonly active?: boolean;
}

interface ProfilesOptions {
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
  remote(program.command("profiles"))
    .description("list the profiles of the running daemon, or of the files here if none runs")
    .option("--local", "those of the files here, without asking a daemon")
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
  if (options.local !== true) {
    try {
      const client = new AdminClient(options, io);
      const { profiles } = (await client.call("GET", "/profiles")) as {
        readonly profiles: readonly ProfileView[];
      };
      return { profiles, library: () => libraryOf(client, profiles) };
    } catch (error) {
      const named = options.admin !== undefined || io.env["SQUALL_ADMIN"] !== undefined;
      if (named || !(error instanceof CommandError) || error.exitCode !== EXIT.unreachable) throw error;
    }
  }
  const library = await localLibrary({}, io);
  const profiles = library.entries.map(({ source, params }) => ({
    name: source.name,
    summary: source.summary,
    breaks: source.breaks,
    survives: source.survives,
    tags: source.tags,
    params,
  }));
  return { profiles, library: () => Promise.resolve(library) };
}

/** The daemon's profiles, as they are there: some may be in its memory only. */
async function libraryOf(client: AdminClient, profiles: readonly ProfileView[]): Promise<Library> {
  const library = new Library(TYPES);
  const files: { file: string; text: string }[] = [];
  for (const { name } of profiles) {
    const { text } = (await client.call("GET", `/profiles/${name}`)) as { readonly text: string };
    files.push({ file: `${name}.yaml`, text });
  }
  library.replaceFiles(files);
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
  const lines = profiles.map(({ name, summary, params, active }) => {
    const knobs = params
      .map((param) => `${param.name}=${param.required ? "?" : String(param.default)}`)
      .join(" ");
    const on = active === true ? ` ${colours.green("(on)")}` : "";
    const below = [summary, ...(knobs === "" ? [] : [colours.dim(knobs)]), ...timeline(name)];
    return `  ${colours.bold(name)}${on}\n${below.map((line) => `      ${line}\n`).join("")}`;
  });
  return `${colours.cyan(tag)}\n${lines.join("")}`;
}
