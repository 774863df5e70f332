/** The view Fleet (`/ui/fleet`): the engine, the plan and who is under it, of the fleet that this daemon belongs to. */
import type { FleetActivation } from "../../fleet/contract/plan.js";
import { shellWord } from "../../core/shell-word.js";
import { ApiError } from "../api.js";
import { Asking } from "../asking.js";
import { BASE } from "../base.js";
import { copyText } from "../clipboard.js";
import { count, countdown, duration, plural, timeOfDay } from "../format.js";
import { empty, failed, loading, mark, name } from "../parts.js";
import { pathOf } from "../router.js";
import { seen } from "../text.js";
import { html, nothing, type TemplateResult } from "../vendor/lit-html.js";
import type { OpenView, Page, View } from "../view.js";
import {
  lookOf,
  offsetText,
  pageOf,
  rowsOf,
  sumOf,
  targetsText,
  type FleetAnswer,
  type Row,
} from "./members.js";

const AGAIN_MS = 2_000;

class FleetView implements View {
  readonly title = "Fleet";
  readonly #page: Page;
  readonly #asking: Asking;
  #answer: FleetAnswer | null = null;
  /** When it came, on the page's clock. */
  #at = 0;
  #error: unknown = null;
  #healing = false;

  constructor(page: Page) {
    this.#page = page;
    this.#asking = new Asking((signal) => this.#ask(signal));
  }

  paused(): void {
    this.#asking.pause();
  }

  resumed(): void {
    this.#asking.resume();
  }

  close(): void {
    this.#asking.end();
  }

  render(): TemplateResult {
    const error = this.#error;
    if (error instanceof ApiError && error.code === "SQ_NO_FLEET")
      return empty(
        "This daemon belongs to no fleet.",
        html`<code>fleet</code> in squall.yaml says to which.`,
      );
    const again = (): void => {
      this.#asking.now();
    };
    if (this.#answer === null) return error === null ? loading("the fleet") : failed(error, again);
    return html`${error === null ? nothing : failed(error, again)} ${this.#whole(this.#answer)}`;
  }

  #whole(fleet: FleetAnswer): TemplateResult {
    const { plan, members, warnings } = fleet;
    return html`<section class="fleet" aria-labelledby="fleet-title">
      <h1 id="fleet-title">Fleet ${name(fleet.name, 60)}</h1>
      ${engineLine(fleet)}
      <div class="panel">
        <h2>Plan${plan === null ? "" : ` ${plan.serial}`}</h2>
        ${plan === null ? html`<p class="soft">No plan was read so far.</p>` : this.#plan(fleet, plan)}
      </div>
      ${
        members === null
          ? html`<p class="soft">The engine does not tell who is there.</p>`
          : html`${warnings.map((text) => html`<p class="fleet-trouble" role="status">${mark("cut")} ${seen(text, 300)}</p>`)}
            ${table(rowsOf(members, plan?.serial ?? null), fleet.me)}`
      }
    </section>`;
  }

  #plan(
    fleet: FleetAnswer,
    { by, why, age_seconds, activations }: NonNullable<FleetAnswer["plan"]>,
  ): TemplateResult {
    return html`<p>
        ${by === "" ? nothing : html`by ${name(by, 80)}`}${why === null ? nothing : html`: ${seen(why, 200)}`}
        ${age_seconds === null ? nothing : html`<span class="soft">read ${duration(age_seconds * 1_000)} ago</span>`}
      </p>
      ${
        activations.length === 0
          ? html`<p>${mark("fine")} The fleet has nothing on.</p>`
          : html`<ul class="fleet-on">
              ${activations.map((one) => this.#activation(one))}
            </ul>`
      }
      ${this.#heal(fleet, activations.length)}`;
  }

  #activation({ id, profile, mode, targets, proxies, starts_at, ends_at }: FleetActivation): TemplateResult {
    return html`<li data-id=${seen(id, 80)}>
      ${mark(mode === "observe" ? "observed" : "changed")}
      <a href=${pathOf("profiles", { name: profile })}><b>${name(profile, 60)}</b></a>
      ${id === profile ? nothing : html`<span class="soft">as ${name(id, 60)}</span>`}
      ${mode === "observe" ? html`<span class="tag">observed only</span>` : nothing}
      <span>on ${name(targetsText(targets), 120)}</span>
      ${proxies === null ? nothing : html`<span class="soft">${name(proxies.join(", "), 120)}</span>`}
      <span class="number">${spanText(starts_at, ends_at, this.#engineNow())}</span>
    </li>`;
  }

  #heal({ control }: FleetAnswer, on: number): TemplateResult {
    if (!control)
      return html`<p class="soft">
        This daemon only follows: <code>fleet: { control: true }</code> lets its admin port switch the fleet.
      </p>`;
    const line = this.#curl();
    return html`<p class="row">
        <button
          type="button"
          data-do="heal-fleet"
          ?disabled=${this.#healing || on === 0}
          @click=${() => void this.#healFleet()}
        >
          Heal the fleet
        </button>
      </p>
      <p class="fleet-curl">
        <code>${seen(line, 500)}</code>
        <button
          type="button"
          class="small quiet"
          aria-label="Copy the curl line"
          @click=${() => void copyText(this.#page, line)}
        >
          copy
        </button>
      </p>`;
  }

  #curl(): string {
    const token = this.#page.guarded ? ' -H "Authorization: Bearer $SQUALL_ADMIN_TOKEN"' : "";
    const trust = location.protocol === "https:" ? ' --cacert "$SQUALL_ADMIN_CA"' : "";
    return `curl -X DELETE${trust}${token} ${shellWord(`${location.origin}${BASE}/fleet/active`)}`;
  }

  /** The engine's clock, as the last answer had it and as time has gone on here since; null if the daemon does not know it. */
  #engineNow(): number | null {
    const told = Date.parse(this.#answer?.time ?? "");
    return Number.isNaN(told) ? null : told + performance.now() - this.#at;
  }

  async #healFleet(): Promise<void> {
    const members = this.#answer?.members ?? [];
    const yes = await this.#page.confirm({
      title: "Heal the fleet?",
      text: `All that the fleet has on ends, on ${plural(members.length, "daemon")}. What was switched on at one daemon alone stays.`,
      yes: "Heal the fleet",
    });
    if (!yes || this.#asking.ended) return;
    this.#healing = true;
    this.#page.changed();
    try {
      const { daemons } = await this.#page.api.json<{ daemons: readonly { state: string }[] }>(
        "/fleet/active",
        { method: "DELETE" },
      );
      const silent = daemons.filter(({ state }) => state === "silent").length;
      this.#page.announce(
        silent === 0
          ? "The fleet is healed."
          : `The fleet is healed; ${plural(silent, "daemon")} said nothing yet.`,
      );
    } catch (error) {
      this.#page.announce(error instanceof ApiError ? error.message : "That could not be done.", "failed");
    }
    this.#healing = false;
    this.#asking.now();
  }

  async #ask(signal: AbortSignal): Promise<number> {
    try {
      this.#answer = await this.#page.api.json<FleetAnswer>("/fleet", { signal });
      this.#at = performance.now();
      this.#error = null;
    } catch (error) {
      this.#error = error;
    }
    if (!signal.aborted) this.#page.changed();
    return AGAIN_MS;
  }
}

/** `begins in 0:02, ends in 29:58`; moments where now is not known. */
function spanText(starts: string, ends: string, now: number | null): string {
  if (now === null) return `until ${timeOfDay(ends)}`;
  const [begins, over] = [Date.parse(starts) - now, Date.parse(ends) - now];
  const last = over > 0 ? `ends in ${countdown(over)}` : "over";
  return begins > 0 ? `begins in ${countdown(begins)}, ${last}` : last;
}

function engineLine({ engine, connected, problem, journal }: FleetAnswer): TemplateResult {
  const well = connected && problem === null;
  const unsent =
    journal.problem ?? (journal.lost > 0 ? `${plural(journal.lost, "number")} of it were given up` : null);
  return html`<p class="fleet-engine ${well ? "" : "fleet-trouble"}" role="status">
      ${mark(well ? "fine" : "cut")} <b>${connected ? "connected" : "no engine"}</b> ${name(engine, 120)}
      ${problem === null ? nothing : html`<span>${seen(problem, 300)}</span>`}
    </p>
    ${
      unsent === null
        ? nothing
        : html`<p class="fleet-trouble">
            ${mark("cut")} This daemon's journal does not reach the fleet whole: ${seen(unsent, 300)}
          </p>`
    }`;
}

function table(rows: readonly Row[], here: FleetAnswer["me"]): TemplateResult {
  return html`<h2>${plural(rows.length, "daemon")}<small class="soft"> ${sumOf(rows)}</small></h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Daemons">
      <table class="members">
        <thead>
          <tr>
            ${["daemon", "state", "plan", "hits", "heard", "clock", "why"].map((head) => html`<th scope="col">${head}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map((row) => memberRow(row, here))}
        </tbody>
      </table>
    </div>`;
}

function memberRow({ member, standing, shared }: Row, me: FleetAnswer["me"]): TemplateResult {
  const { daemon, life, serial, hits, age_seconds, why } = member;
  const { word, deed, trouble } = lookOf(standing);
  const page = pageOf(member);
  const here = daemon === me.daemon && life === me.life;
  const shown = name(daemon, 60);
  return html`<tr class=${trouble ? "fleet-trouble" : nothing} data-state=${seen(standing, 40)}>
    <th scope="row">
      ${page === null || here ? shown : html`<a href=${page} rel="noreferrer">${shown}</a>`}${shared ? html` <span class="soft">${seen(life, 12)}</span>` : nothing}${
        here ? html` <span class="tag">this one</span>` : nothing
      }
    </th>
    <td>${mark(deed)} ${trouble ? html`<b>${word}</b>` : word}</td>
    <td class="number">${serial}</td>
    <td class="number">${count(hits)}</td>
    <td class="number">${duration(age_seconds * 1_000)} ago</td>
    <td class="number">${offsetText(member)}</td>
    <td>${why === null ? "" : seen(why, 200)}</td>
  </tr>`;
}

export const openFleet: OpenView = (page) => new FleetView(page);
