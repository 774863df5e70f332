/** The two dialogs of the page: the question before something that hits many, and the one for the token. They are the browser's own. */
import { mark } from "./parts.js";
import type { Token } from "./token.js";
import { html, nothing, render } from "./vendor/lit-html.js";
import type { Question } from "./view.js";

function dialogIn(root: HTMLElement): HTMLDialogElement {
  const dialog = document.createElement("dialog");
  root.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
  });
  return dialog;
}

/** Resolves with what was chosen; leaving it by Escape is a no. */
export function confirmed({ title, text, yes }: Question): Promise<boolean> {
  const dialog = dialogIn(document.body);
  dialog.setAttribute("aria-labelledby", "question-title");
  return new Promise((resolve) => {
    let answer = false;
    dialog.addEventListener("close", () => {
      resolve(answer);
    });
    const choose = (chosen: boolean): void => {
      answer = chosen;
      dialog.close();
    };
    render(
      html`<h2 id="question-title">${mark("changed")} ${title}</h2>
        <p>${text}</p>
        <p class="row row-end">
          <button type="button" data-do="no" @click=${() => choose(false)}>Cancel</button>
          <button type="button" class="strong" data-do="yes" @click=${() => choose(true)}>${yes}</button>
        </p>`,
      dialog,
    );
    dialog.showModal();
  });
}

/** Asks for the token for as long as one is needed. */
export class TokenDialog {
  #dialog: HTMLDialogElement | null = null;
  readonly #token: Token;

  constructor(token: Token) {
    this.#token = token;
  }

  update(): void {
    if (this.#token.needed && this.#dialog === null) this.#open();
    else if (!this.#token.needed) this.#dialog?.close();
  }

  #open(): void {
    const dialog = dialogIn(document.body);
    this.#dialog = dialog;
    dialog.setAttribute("aria-labelledby", "token-title");
    // There is nothing to see behind it.
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
    });
    dialog.addEventListener("close", () => {
      this.#dialog = null;
    });
    const submit = (event: SubmitEvent): void => {
      event.preventDefault();
      const field = dialog.querySelector("input");
      const value = field?.value.trim() ?? "";
      if (value !== "") this.#token.give(value);
    };
    render(
      html`<h2 id="token-title">This daemon wants a token</h2>
        <p>
          It is what <code>admin.token</code> or <code>SQUALL_TOKEN</code> says. This tab keeps it until it is
          closed.
        </p>
        <form @submit=${submit}>
          <label class="field">
            <span>Token</span>
            <input type="password" name="token" autocomplete="off" required aria-describedby="token-wrong" />
          </label>
          <p id="token-wrong" class="mistake" role="alert">
            ${this.#token.wrong ? html`${mark("cut")} The daemon does not take this token.` : nothing}
          </p>
          <p class="row row-end"><button type="submit" class="strong">Go on</button></p>
        </form>`,
      dialog,
    );
    dialog.showModal();
  }
}
