/** Copies text for whoever wants to use it elsewhere, and says whether that was possible. */
import type { Page } from "./view.js";

export async function copyText(page: Page, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    page.announce("Copied.");
  } catch {
    page.announce("The browser does not let this page copy: select the text instead.", "failed");
  }
}
