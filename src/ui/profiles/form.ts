/** The form that switches a profile on: its params with their units, and whom, how long and how seriously. */
import { count } from "../format.js";
import { mark, name } from "../parts.js";
import { seen } from "../text.js";
import { live } from "../vendor/directives/live.js";
import { html, nothing, type TemplateResult } from "../vendor/lit-html.js";
import type { FaultTypes, ProfileDetail, ProfileParam } from "./answers.js";
import type { Mistakes } from "./mistakes.js";
import { commandLine, curlLine, pytestLine, type Asked, type Wanted } from "./request.js";
import { unitOf } from "./units.js";

export interface FormParts {
  readonly profile: ProfileDetail;
  readonly types: FaultTypes | null;
  readonly wanted: Wanted;
  readonly proxies: readonly string[];
  /** How many others the page was not told of. */
  readonly proxiesMore: number;
  /** Whether anything is on, so that it matters whether this comes beside it. */
  readonly anything: boolean;
  /** This profile is on, by somebody here or by the fleet: there is one of each at most, and another one takes its place. */
  readonly already: "own" | "fleet" | null;
  readonly mistakes: Mistakes;
  readonly sending: boolean;
  readonly asked: Asked;
  /** Told what becomes of what is wanted by then, which may be newer than what was rendered. */
  readonly change: (change: (wanted: Wanted) => Partial<Wanted>) => void;
  readonly submit: () => void;
  readonly copy: (text: string) => void;
}

export function form(parts: FormParts): TemplateResult {
  const { profile, wanted, proxies, anything, mistakes, sending, change, submit } = parts;
  const submitted = (event: SubmitEvent): void => {
    event.preventDefault();
    submit();
  };
  return html`<form class="panel activate" novalidate @submit=${submitted} aria-label="Switch on">
    <h2>Switch on</h2>
    ${
      mistakes.others.length === 0
        ? nothing
        : html`<div class="mistake" role="alert">
            ${mistakes.others.map((text) => html`<p>${mark("cut")} ${seen(text, 400)}</p>`)}
          </div>`
    }
    <div class="fields">
      ${profile.params.map((param) => paramField(param, parts))}
      ${textField("ttl", "Ends by itself after", wanted.ttl, mistakes, {
        hint: "such as 30s or 5m; empty: only when it is healed",
        input: (ttl) => change(() => ({ ttl })),
      })}
      ${textField("seed", "Seed", wanted.seed, mistakes, {
        hint: "the same seed draws the same; empty: drawn, and shown",
        numeric: true,
        input: (seed) => change(() => ({ seed })),
      })}
    </div>
    ${proxies.length < 2 && wanted.proxies === null ? nothing : proxyField(parts)}
    <label class="check">
      <input
        type="checkbox"
        name="observe"
        .checked=${live(wanted.observe)}
        @change=${(event: Event) => {
          const observe = (event.target as HTMLInputElement).checked;
          change(() => ({ observe }));
        }}
      />
      <span>Only observe first: the journal tells what would be hit, and nothing is done</span>
    </label>
    ${
      anything
        ? html`<fieldset class="choice">
            <legend>What is on already</legend>
            ${radio("how", "goes on beside it", wanted.beside, () => change(() => ({ beside: true })))}
            ${radio("how", "ends", !wanted.beside, () => change(() => ({ beside: false })))}
          </fieldset>`
        : nothing
    }
    ${lines(parts)}
    <p class="row row-end">
      ${
        parts.already === null
          ? nothing
          : html`<span class="soft"
              >${parts.already === "fleet" ? "The fleet has it on: this takes its place here." : "It is on: this begins it anew, in place of that run."}</span
            >`
      }
      <button type="submit" class="strong" data-do="activate" ?disabled=${sending}>
        ${wanted.observe ? "Observe" : "Switch on"}
      </button>
    </p>
  </form>`;
}

function paramField(
  param: ProfileParam,
  { profile, types, wanted, mistakes, change }: FormParts,
): TemplateResult {
  const unit = unitOf(param, profile.text, types);
  const key = `params.${param.name}`;
  const value = wanted.params.get(param.name) ?? "";
  const set = (given: string): void =>
    change(({ params }) => ({ params: new Map(params).set(param.name, given) }));
  const standard = param.default === undefined || param.default === null ? "" : String(param.default);
  const hint = [param.summary, unit.hint].filter((text) => text !== "").join("; ");
  if (unit.choices.length === 0)
    return textField(key, param.name, value, mistakes, {
      hint,
      placeholder: standard,
      required: param.required,
      input: set,
    });
  const mistake = mistakes.fields.get(key);
  return html`<label class="field">
    <span class="mono">${name(param.name, 60)}</span>
    <select
      name=${key}
      aria-invalid=${mistake === undefined ? nothing : "true"}
      aria-describedby=${`about-${key}`}
      @change=${(event: Event) => set((event.target as HTMLSelectElement).value)}
    >
      ${unit.choices.map(
        (choice) =>
          html`<option value=${choice} ?selected=${choice === (value === "" ? standard : value)}>
            ${seen(choice)}
          </option>`,
      )}
    </select>
    ${about(key, hint, mistake)}
  </label>`;
}

interface TextOptions {
  readonly hint: string;
  readonly placeholder?: string;
  readonly required?: boolean;
  readonly numeric?: boolean;
  readonly input: (value: string) => void;
}

function textField(
  key: string,
  label: string,
  value: string,
  mistakes: Mistakes,
  options: TextOptions,
): TemplateResult {
  const mistake = mistakes.fields.get(key);
  const isParam = key.startsWith("params.");
  return html`<label class="field">
    <span class=${isParam ? "mono" : ""}
      >${name(label, 60)}${options.required === true ? html` <b class="tag">must be given</b>` : nothing}</span
    >
    <input
      type="text"
      name=${key}
      autocomplete="off"
      spellcheck="false"
      inputmode=${options.numeric === true ? "numeric" : nothing}
      placeholder=${options.placeholder === undefined ? nothing : seen(options.placeholder, 80)}
      .value=${live(value)}
      aria-invalid=${mistake === undefined ? nothing : "true"}
      aria-describedby=${`about-${key}`}
      @input=${(event: Event) => options.input((event.target as HTMLInputElement).value)}
    />
    ${about(key, options.hint, mistake)}
  </label>`;
}

/** What is wrong with it first, and what it is about. */
function about(key: string, hint: string, mistake: string | undefined): TemplateResult {
  return html`<span id=${`about-${key}`}>
    ${
      mistake === undefined
        ? nothing
        : html`<b class="mistake" role="alert">${mark("cut")} ${seen(mistake, 300)}</b>`
    }
    <small>${seen(hint, 300)}</small>
  </span>`;
}

function proxyField({ proxies, proxiesMore, wanted, mistakes, change }: FormParts): TemplateResult {
  const mistake = mistakes.fields.get("proxies");
  // Those that were chosen and are there no more stay, so that somebody sees them and can take them out.
  const all = [...new Set([...proxies, ...(wanted.proxies ?? [])])];
  const chosen = new Set(wanted.proxies ?? proxies);
  const there = new Set(proxies);
  const toggle = (proxy: string): void =>
    change((current) => {
      const now = new Set(current.proxies ?? proxies);
      if (!now.delete(proxy)) now.add(proxy);
      const isAll = now.size === proxies.length && proxies.every((one) => now.has(one));
      return { proxies: isAll ? null : all.filter((one) => now.has(one)) };
    });
  return html`<fieldset class="choice">
    <legend>On these proxies</legend>
    ${all.map(
      (proxy) =>
        html`<label class="check">
          <input
            type="checkbox"
            name="proxies"
            .checked=${live(chosen.has(proxy))}
            @change=${() => toggle(proxy)}
          />
          <span
            >${name(proxy, 60)}${there.has(proxy) ? nothing : html` <b class="tag">there no more</b>`}</span
          >
        </label>`,
    )}
    ${
      proxiesMore === 0
        ? nothing
        : html`<p class="soft">And ${count(proxiesMore)} more, which are meant for as long as all are.</p>`
    }
    ${
      mistake === undefined
        ? nothing
        : html`<b class="mistake" role="alert">${mark("cut")} ${seen(mistake, 300)}</b>`
    }
  </fieldset>`;
}

function radio(group: string, label: string, checked: boolean, choose: () => void): TemplateResult {
  return html`<label class="check">
    <input type="radio" name=${group} .checked=${live(checked)} @change=${choose} /><span>${label}</span>
  </label>`;
}

/** The same by other means: what the button does can be done in a shell, in a script and in a test. */
function lines({ wanted, profile, asked, copy }: FormParts): TemplateResult {
  const all = [
    ["curl", curlLine(wanted, profile.params, asked)],
    ["squall", commandLine(wanted, profile.params, asked)],
    ["pytest", pytestLine(wanted, profile.params)],
  ] as const;
  return html`<section class="same" aria-label="The same by other means">
    <h3>The same as a line</h3>
    <dl>
      ${all.map(
        ([what, text]) =>
          html`<dt>${what}</dt>
            <dd class="command" data-line=${what}>
              <code>${seen(text, 2_000)}</code>
              <button
                type="button"
                class="small"
                aria-label="Copy the ${what} line"
                @click=${() => copy(text)}
              >
                Copy
              </button>
            </dd>`,
      )}
    </dl>
  </section>`;
}
