/** The view Journal. */
import { loading } from "../parts.js";
import type { OpenView } from "../view.js";

export const openJournal: OpenView = () => ({ title: "Journal", render: () => loading("journal") });
