/** The filters of the journal as fields, and the one for a mark. */
import { seen } from "../text.js";
import { live } from "../vendor/directives/live.js";
import { html, nothing, type TemplateResult } from "../vendor/lit-html.js";
import { anyOf, FILTERS, KINDS, type Filter, type Filters } from "./filters.js";

export interface FilterFormParts {
  readonly filters: Filters;
  /** What is suggested for each: names that are there just now. */
  readonly known: Partial<Readonly<Record<Filter, readonly string[]>>>;
  readonly set: (filter: Filter, value: string) => void;
  readonly clear: () => void;
  readonly mark: (text: string) => void;
}

const KNOWN_MAX = 200;
const LABELS: Readonly<Record<Filter, string>> = {
  kind: "Kind",
  bot: "Bot",
  proxy: "Proxy",
  profile: "Profile",
  fault: "Fault",
  type: "Type",
  path: "Path",
  activation: "Activation",
};

export function filterForm({ filters, known, set, clear, mark }: FilterFormParts): TemplateResult {
  const marked = (event: SubmitEvent): void => {
    event.preventDefault();
    const field = (event.target as HTMLFormElement).querySelector("input");
    const text = field?.value.trim() ?? "";
    if (field === null || text === "") return;
    field.value = "";
    mark(text);
  };
  return html`<div class="filters">
    <div class="filter-fields" role="search" aria-label="Filters">
      ${FILTERS.map((filter) => (filter === "kind" ? kindField(filters, set) : textField(filter, filters, known, set)))}
      ${
        anyOf(filters)
          ? html`<button type="button" class="small" data-do="clear" @click=${clear}>Clear</button>`
          : nothing
      }
    </div>
    <form class="mark-form" @submit=${marked}>
      <label
        ><span class="visually-hidden">Text of a mark</span>
        <input
          type="text"
          name="mark"
          maxlength="1000"
          autocomplete="off"
          placeholder="a mark, such as: test begins"
        />
      </label>
      <button type="submit" class="small">Put a mark</button>
    </form>
  </div>`;
}

function kindField({ kind = "" }: Filters, set: FilterFormParts["set"]): TemplateResult {
  return html`<label>
    <span>${LABELS.kind}</span>
    <select
      name="kind"
      .value=${live(kind)}
      @change=${(event: Event) => set("kind", (event.target as HTMLSelectElement).value)}
    >
      <option value="">all</option>
      ${KINDS.map((one) => html`<option value=${one} ?selected=${one === kind}>${one.replaceAll("_", " ")}</option>`)}
    </select>
  </label>`;
}

function textField(
  filter: Filter,
  filters: Filters,
  known: FilterFormParts["known"],
  set: FilterFormParts["set"],
): TemplateResult {
  const names = [...new Set(known[filter] ?? [])].slice(0, KNOWN_MAX);
  return html`<label>
    <span>${LABELS[filter]}</span>
    <input
      type="text"
      name=${filter}
      autocomplete="off"
      spellcheck="false"
      list=${names.length === 0 ? nothing : `known-${filter}`}
      .value=${filters[filter] ?? ""}
      @change=${(event: Event) => set(filter, (event.target as HTMLInputElement).value)}
    />
    ${
      names.length === 0
        ? nothing
        : html`<datalist id=${`known-${filter}`}>
            ${names.map((one) => html`<option value=${one}>${seen(one, 60)}</option>`)}
          </datalist>`
    }
  </label>`;
}
