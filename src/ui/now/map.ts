/** The three columns: bots, proxies, upstreams, and lines between them that say how much goes there and what is done to it. */
import type { LiveBot, LiveProxy, LiveUpstream } from "../../live/contract.js";
import { DEED_WORDS, deedOf, type Deed } from "../deeds.js";
import { duration, plural, rate } from "../format.js";
import { mark, name } from "../parts.js";
import { pathOf } from "../router.js";
import { html, nothing, svg, type TemplateResult } from "../vendor/lit-html.js";
import { repeat } from "../vendor/directives/repeat.js";
import { ROOMY_MAX, shownFaults, thickness, type Edge, type Node, type Scene } from "./scene.js";

const NUMBER = /^main$/u;

/** `now` is the daemon's clock. */
export function map(scene: Scene, now: number): TemplateResult {
  const dense = scene.bots.length > ROOMY_MAX;
  return html`<section class="map" aria-label="Who talks to whom">
    <div class="map-heads">
      <h2>Bots <span class="faint">${scene.bots.length + scene.more}</span></h2>
      <h2>Proxies <span class="faint">${scene.proxies.length}</span></h2>
      <h2>Upstreams <span class="faint">${scene.upstreams.length}</span></h2>
    </div>
    <div class="map-body" .style=${`height:${scene.height}px`}>
      <ul class="column" aria-label="Bots">
        ${repeat(
          scene.bots,
          ({ row }) => row.id,
          (node) =>
            html`<li class="node ${dense ? "node-dense" : ""}" .style=${box(node)}>${bot(node, now)}</li>`,
        )}
      </ul>
      ${lines(scene.toProxies, scene.height)}
      <ul class="column" aria-label="Proxies">
        ${repeat(
          scene.proxies,
          ({ row }) => row.id,
          (node) => html`<li class="node" .style=${box(node)}>${proxy(node)}</li>`,
        )}
      </ul>
      ${lines(scene.toUpstreams, scene.height)}
      <ul class="column" aria-label="Upstreams">
        ${repeat(
          scene.upstreams,
          ({ row }) => row.id,
          (node) => html`<li class="node" .style=${box(node)}>${upstream(node)}</li>`,
        )}
      </ul>
    </div>
    ${scene.more > 0 ? html`<p class="faint">And ${plural(scene.more, "more bot")}.</p>` : nothing}
  </section>`;
}

/** The same for a narrow window: a card for each proxy, with those who come to it and where it leads. */
export function list(scene: Scene, now: number): TemplateResult {
  const of = ({ row }: Node<LiveProxy>): { bots: Node<LiveBot>[]; upstreams: Node<LiveUpstream>[] } => {
    const sources = new Set(
      scene.toProxies.filter(({ target }) => target === row.id).map(({ source }) => source),
    );
    return {
      bots: scene.bots.filter((one) => sources.has(one.row.id)),
      upstreams: scene.upstreams.filter((one) => one.row.proxy === row.id),
    };
  };
  return html`<section class="stack" aria-label="Who talks to whom">
    ${repeat(
      scene.proxies,
      ({ row }) => row.id,
      (node) => {
        const { bots, upstreams } = of(node);
        return html`<article>
          <div class="node">${proxy(node)}</div>
          <h3>Bots that come to it</h3>
          ${
            bots.length === 0
              ? html`<p class="faint">None.</p>`
              : html`<ul>
                  ${bots.map((one) => html`<li class="node node-dense">${bot(one, now)}</li>`)}
                </ul>`
          }
          <h3>Where it leads</h3>
          <ul>
            ${upstreams.map((one) => html`<li class="node">${upstream(one)}</li>`)}
          </ul>
        </article>`;
      },
    )}
  </section>`;
}

function box({ y, height }: Node<unknown>): string {
  return `top:${y}px;height:${height}px`;
}

function bot({ row, rate: perSecond, deed }: Node<LiveBot>, now: number): TemplateResult {
  const silent = row.silent_since === null ? null : Math.max(0, now - row.silent_since);
  return html`<a
    class="card bot ${silent === null ? "" : "silent"}"
    href=${pathOf("lanes", {}, { bot: row.id })}
  >
    <span class="line">
      <strong>${silent === null ? sign(deed) : pulse()} ${name(row.id, 40)}</strong>
      <span class="number">${rate(perSecond)}</span>
    </span>
    <span class="line second">
      <span>${silent === null ? doing(row) : `connected, silent for ${duration(silent)}`}</span>
      ${row.failed > 0 ? html`<span class="number">${plural(row.failed, "failure")}</span>` : nothing}
    </span>
  </a>`;
}

function pulse(): TemplateResult {
  return html`<svg class="mark pulse" viewBox="0 0 16 16" role="img" aria-label="silent">
    <circle class="ring" cx="8" cy="8" r="4" fill="none"></circle>
    <circle cx="8" cy="8" r="2.5"></circle>
  </svg>`;
}

function doing({ open, pending }: LiveBot): string {
  if (pending > 0) return `${plural(pending, "call")} under way`;
  return open > 0 ? `${plural(open, "connection")} open` : "gone";
}

function proxy({ row, rate: perSecond, deed }: Node<LiveProxy>): TemplateResult {
  const { shown, more } = shownFaults(row);
  const trouble = row.enabled && row.state !== "listening";
  return html`<div class="card proxy proxy-${deed}">
    <span class="line">
      <strong
        >${sign(deed)} ${name(row.id, 40)}
        <span class="tag">${row.tls ? `${row.plane} over TLS` : row.plane}</span></strong
      >
      <span class="number">${rate(perSecond)}</span>
    </span>
    <span class="line second">
      <span class="mono">${name(row.listen, 60)}</span>
      <span class="number">${row.open} open</span>
    </span>
    ${
      trouble || !row.enabled
        ? html`<span class="line second trouble"
            >${mark("down")} ${name(row.enabled ? row.state : "switched off", 60)}</span
          >`
        : nothing
    }
    ${
      shown.length === 0
        ? nothing
        : html`<ul class="faults" aria-label="Faults in force">
            ${shown.map(
              ({ fault, type, profile, observe, hits }) =>
                html`<li>
                  ${sign(observe ? "observed" : deedOf(type))}
                  <a
                    class="fault"
                    href=${profile === "" ? pathOf("profiles") : pathOf("profiles", { name: profile })}
                    title=${`${type}${profile === "" ? "" : ` of ${profile}`}`}
                    >${name(fault, 40)}</a
                  >
                  <span class="number">${plural(hits, "hit")}</span>
                </li>`,
            )}
            ${more > 0 ? html`<li class="faint">and ${more} more</li>` : nothing}
          </ul>`
    }
  </div>`;
}

const STATES: Readonly<Record<LiveUpstream["state"], string>> = {
  up: "up",
  unhealthy: "fails its health check",
  ejected: "taken out",
  refused: "refuses connections",
  unreachable: "cannot be reached",
  timeout: "does not answer in time",
  disabled: "switched off",
};

function upstream({ row, rate: perSecond, deed }: Node<LiveUpstream>): TemplateResult {
  const label = NUMBER.test(row.name) ? row.address : row.name;
  const down = row.state !== "up";
  return html`<div class="card upstream ${down ? "away" : ""}" title=${row.why ?? nothing}>
    <span class="line">
      <strong>${sign(deed)} ${name(label, 48)}</strong>
      <span class="number">${rate(perSecond)}</span>
    </span>
    <span class="line second">
      <span
        >${down ? STATES[row.state] : label === row.address ? "up" : html`<span class="mono">${name(row.address, 48)}</span>`}</span
      >
      <span class="number">${row.open} open</span>
    </span>
  </div>`;
}

/** Of what nothing is done to, no sign: what is not as usual should be what is seen. */
function sign(deed: Deed): TemplateResult | typeof nothing {
  return deed === "fine" ? nothing : mark(deed, DEED_WORDS[deed]);
}

/** Curves from the left edge to the right one, whatever the width: the picture is stretched, and its lines are not. */
function lines(edges: readonly Edge[], height: number): TemplateResult {
  return html`<div class="lines" aria-hidden="true">
    <svg viewBox="0 0 100 ${height}" preserveAspectRatio="none">
      ${repeat(
        // What is touched is drawn above what is not.
        [...edges].sort((a, b) => Number(a.deed !== "fine") - Number(b.deed !== "fine")),
        ({ id }) => id,
        ({ from, to, rate: perSecond, open, deed }) =>
          svg`<path class="edge deed-${deed} ${perSecond === 0 && open === 0 ? "edge-idle" : ""}"
            d="M0 ${from}C50 ${from} 50 ${to} 100 ${to}" stroke-width=${thickness(perSecond).toFixed(1)}></path>`,
      )}
    </svg>
    ${edges
      .filter(({ deed }) => deed !== "fine")
      .map(
        ({ from, to, deed }) =>
          html`<span class="edge-mark" .style=${`top:${(from + to) / 2}px`}>${mark(deed)}</span>`,
      )}
  </div>`;
}
