/** Where the files of the dashboard are, wherever this runs: from the source, from `dist` or from the bundled command in it. */
export const PAGE_FOLDER = new URL("../dist/ui/", import.meta.url);
