/** `squall profiles`: what there is to switch on, from the running daemon or, where none runs, from the files here. */
import type { Command } from "commander";
import type { ParamInfo } from "../config/profile.js";
import { AdminClient } from "./client.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { remote } from "./remote.js";
import { localLibrary } from "./validate.js";

interface ProfileView {
  readonly name: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly params: readonly ParamInfo[];
  readonly active?: boolean;
}

interface ProfilesOptions {
  readonly admin?: string;
  readonly token?: string;
  readonly json?: boolean;
  readonly local?: boolean;
}

export function addProfiles(program: Command, io: Io): void {
  remote(program.command("profiles"))
    .description("list the profiles of the running daemon, or of the files here if none runs")
    .option("--local", "those of the files here, without asking a daemon")
    .action(async (options: ProfilesOptions) => {
      const profiles = await find(options, io);
      if (options.json === true) {
        io.out(`${JSON.stringify({ profiles })}\n`);
        return;
      }
      for (const group of byTag(profiles)) io.out(groupText(group, io));
    });
}

async function find(options: ProfilesOptions, io: Io): Promise<readonly ProfileView[]> {
  if (options.local !== true) {
    try {
      const answer = (await new AdminClient(options, io).call("GET", "/profiles")) as {
        readonly profiles: readonly ProfileView[];
      };
      return answer.profiles;
    } catch (error) {
      const named = options.admin !== undefined || io.env["SQUALL_ADMIN"] !== undefined;
      if (named || !(error instanceof CommandError) || error.exitCode !== EXIT.unreachable) throw error;
    }
  }
  const library = await localLibrary({}, io);
  return library.entries.map(({ source, params }) => ({
    name: source.name,
    summary: source.summary,
    tags: source.tags,
    params,
  }));
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

function groupText({ tag, profiles }: Group, { colours }: Io): string {
  const lines = profiles.map(({ name, summary, params, active }) => {
    const knobs = params
      .map((param) => `${param.name}=${param.required ? "?" : String(param.default)}`)
      .join(" ");
    const on = active === true ? ` ${colours.green("(on)")}` : "";
    return `  ${colours.bold(name)}${on}\n      ${summary}\n${knobs === "" ? "" : `      ${colours.dim(knobs)}\n`}`;
  });
  return `${colours.cyan(tag)}\n${lines.join("")}`;
}
