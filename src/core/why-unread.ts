/** Why a file that somebody named cannot be read. The message has its name already, so what the system says of it is left out. */
export function whyUnread(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  const known: Readonly<Record<string, string>> = {
    ENOENT: "there is no such file",
    EACCES: "it may not be read",
    EISDIR: "it is a folder",
  };
  return known[code ?? ""] ?? error.message;
}
