/** The types of what scripts/page.mjs copies to this place: a browser finds modules by paths. */
export * from "lit-html";
