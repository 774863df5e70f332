/**
 * Headless Chromium over the DevTools protocol: what a person at a browser does and sees. It waits for what the page itself tells
 * (load events, mutations of the document) and never for a time; and it keeps account of everything that must not be: errors in the
 * console, violations of the content security policy, requests to anybody but the origin that was opened.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { Picture, type Region } from "./picture.js";

const PROGRAM = process.env["CHROMIUM"] ?? "chromium";
const WORDS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-extensions",
  "--disable-sync",
  "--disable-background-timer-throttling",
  "--disable-renderer-backgrounding",
  "--no-first-run",
  "--no-pings",
  "--hide-scrollbars",
  "--force-color-profile=srgb",
  "--lang=en-US",
  "--remote-debugging-port=0",
];

/** For the names of tests that are skipped without it. */
export const hasChromium = spawnSync(PROGRAM, ["--version"], { stdio: "ignore" }).status === 0;

type Params = Readonly<Record<string, unknown>>;
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly params?: Params;
  readonly result?: Params;
  readonly error?: { readonly message: string };
}
type Hear = (method: string, params: Params) => void;

interface Call {
  readonly resolve: (result: Params) => void;
  readonly reject: (error: Error) => void;
}

export class Browser {
  readonly #process: ChildProcess;
  readonly #socket: WebSocket;
  readonly #folder: string;
  readonly #calls = new Map<number, Call>();
  readonly #sessions = new Map<string, Hear>();
  #last = 0;

  private constructor(program: ChildProcess, socket: WebSocket, folder: string) {
    this.#process = program;
    this.#socket = socket;
    this.#folder = folder;
    socket.on("message", (data) => {
      this.#hear(JSON.parse(String(data)) as Message);
    });
    socket.on("close", () => {
      for (const { reject } of this.#calls.values()) reject(new Error("the browser has gone"));
      this.#calls.clear();
    });
  }

  static async open(words: readonly string[] = []): Promise<Browser> {
    const folder = mkdtempSync(join(tmpdir(), "squall-browser-"));
    const program = spawn(PROGRAM, [...WORDS, ...words, `--user-data-dir=${folder}`, "about:blank"], {
      stdio: ["ignore", "ignore", "pipe"],
      // Nothing of whoever runs the tests.
      env: { PATH: process.env["PATH"] ?? "", HOME: folder, TZ: "UTC" },
    });
    const url = await new Promise<string>((resolve, reject) => {
      let said = "";
      program.stderr.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        const [, found] = /DevTools listening on (ws:\S+)/u.exec(said) ?? [];
        if (found !== undefined) resolve(found);
      });
      program.once("error", reject);
      program.once("exit", () => {
        reject(new Error(`the browser ended: ${said}`));
      });
    });
    const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: 256 * 2 ** 20 });
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    return new Browser(program, socket, folder);
  }

  /** A tab with storage and connections of its own, which is as if it were in front. */
  async tab(size: Size = {}): Promise<Tab> {
    const { browserContextId } = await this.call("Target.createBrowserContext");
    const tab = await this.#tab(String(browserContextId), async () => {
      await this.call("Target.disposeBrowserContext", { browserContextId });
    });
    await tab.begin(size);
    // As if its window were the one in front.
    await tab.call("Emulation.setFocusEmulationEnabled", { enabled: true });
    return tab;
  }

  /** So many tabs of one window, with the storage and the connections of one person: the last is in front, and hides the others. */
  async tabs(count: number, size: Size = {}): Promise<Tab[]> {
    const { browserContextId } = await this.call("Target.createBrowserContext");
    const tabs: Tab[] = [];
    while (tabs.length < count) {
      const tab = await this.#tab(String(browserContextId), async () => {
        tabs.splice(tabs.indexOf(tab), 1);
        if (tabs.length === 0) await this.call("Target.disposeBrowserContext", { browserContextId });
      });
      tabs.push(tab);
      await tab.begin(size);
      // It comes to the front in its own time, and would come there late over one that is shown meanwhile.
      await tab.until("!document.hidden");
    }
    return [...tabs];
  }

  async #tab(browserContextId: string, dispose: () => Promise<void>): Promise<Tab> {
    const { targetId } = await this.call("Target.createTarget", { url: "about:blank", browserContextId });
    const { sessionId } = await this.call("Target.attachToTarget", { targetId, flatten: true });
    const session = String(sessionId);
    const tab = new Tab(
      (method, params) => this.call(method, params, session),
      async () => {
        this.#sessions.delete(session);
        await dispose();
      },
    );
    this.#sessions.set(session, (method, params) => {
      tab.hear(method, params);
    });
    return tab;
  }

  call(method: string, params: Params = {}, sessionId?: string): Promise<Params> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#socket.send(
        JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }),
      );
    });
  }

  async close(): Promise<void> {
    const over = new Promise((resolve) => this.#process.once("close", resolve));
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill("SIGKILL");
      await over;
    }
    this.#socket.terminate();
    // Its helpers may still be writing for a moment.
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }

  #hear({ id, method, sessionId, params = {}, result = {}, error }: Message): void {
    if (id === undefined) {
      if (sessionId !== undefined && method !== undefined) this.#sessions.get(sessionId)?.(method, params);
      return;
    }
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new Error(error.message));
  }
}

export interface Size {
  readonly width?: number;
  readonly height?: number;
  readonly scale?: number;
}

export interface Media {
  readonly theme?: "light" | "dark";
  readonly reducedMotion?: boolean;
}

interface Waiter {
  readonly method: string;
  readonly resolve: (params: Params) => void;
}

const KEYS: Readonly<Record<string, number>> = {
  "Tab": 9,
  "Enter": 13,
  "Escape": 27,
  " ": 32,
  "PageUp": 33,
  "PageDown": 34,
  "End": 35,
  "Home": 36,
  "ArrowLeft": 37,
  "ArrowUp": 38,
  "ArrowRight": 39,
  "ArrowDown": 40,
};

export class Tab {
  /** What must not be; whoever expects some of it takes it out. */
  readonly problems: string[] = [];
  /** Every address that was asked for. */
  readonly requests: string[] = [];
  readonly call: (method: string, params?: Params) => Promise<Params>;
  readonly #dispose: () => Promise<void>;
  readonly #waiters = new Set<Waiter>();
  #origin = "";

  constructor(call: (method: string, params?: Params) => Promise<Params>, dispose: () => Promise<void>) {
    this.call = call;
    this.#dispose = dispose;
  }

  async begin(size: Size): Promise<void> {
    for (const domain of ["Page", "Runtime", "Log", "Network", "Audits"]) await this.call(`${domain}.enable`);
    await this.viewport(size);
  }

  async viewport({ width = 1280, height = 800, scale = 1 }: Size): Promise<void> {
    await this.call("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: scale,
      mobile: false,
    });
  }

  async media({ theme, reducedMotion = false }: Media): Promise<void> {
    const features = [
      ...(theme === undefined ? [] : [{ name: "prefers-color-scheme", value: theme }]),
      { name: "prefers-reduced-motion", value: reducedMotion ? "reduce" : "no-preference" },
    ];
    await this.call("Emulation.setEmulatedMedia", { features });
  }

  /** Goes there, and resolves when the page has loaded. Its origin is the only one that may be asked for anything. */
  async goto(url: string): Promise<void> {
    this.#origin = url.startsWith("data:") ? "" : new URL(url).origin;
    const loaded = this.#event("Page.loadEventFired");
    const { errorText } = await this.call("Page.navigate", { url });
    if (typeof errorText === "string" && errorText !== "") throw new Error(`${url}: ${errorText}`);
    await loaded;
  }

  async reload(): Promise<void> {
    const loaded = this.#event("Page.loadEventFired");
    await this.call("Page.reload");
    await loaded;
  }

  /** What an expression is in the page; promises are waited for. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const { result, exceptionDetails } = (await this.call("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
      userGesture: true,
    })) as {
      result: { value?: Value };
      exceptionDetails?: { text: string; exception?: { description?: string } };
    };
    if (exceptionDetails !== undefined)
      throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
    return result.value as Value;
  }

  /**
   * Resolves with what the expression is, as soon as that is true of the page: it is looked at again whenever the document changes, and at
   * each event that comes without a change of it.
   * The test's own time-out is the limit.
   */
  async until<Value = unknown>(expression: string): Promise<Value> {
    const waiting = `new Promise((resolve) => {
      const look = () => {
        let value;
        try { value = (${expression}); } catch { return false; }
        if (!value) return false;
        observer.disconnect();
        for (const event of events) removeEventListener(event, look, true);
        resolve(value);
        return true;
      };
      const observer = new MutationObserver(look);
      const events = ["scroll", "visibilitychange", "focusin", "focusout", "resize", "popstate", "transitionend"];
      if (look()) return;
      for (const event of events) addEventListener(event, look, true);
      observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    })`;
    for (;;) {
      try {
        return await this.evaluate<Value>(waiting);
      } catch (error) {
        // The page was loaded anew meanwhile.
        if (!/context was destroyed|Cannot find context|navigated or closed/iu.test(String(error)))
          throw error;
      }
    }
  }

  /** Until there is such an element that is shown, with that text in it; blanks and line ends are one blank. */
  async shows(selector: string, text = ""): Promise<void> {
    await this.until(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].some((one) => one.checkVisibility() && one.textContent.replaceAll(/\\s+/g, " ").includes(${JSON.stringify(text)}))`,
    );
  }

  /** The text of the first such element, with blanks as they are seen. */
  async text(selector: string): Promise<string> {
    return this.evaluate(
      `(document.querySelector(${JSON.stringify(selector)})?.innerText ?? "").replaceAll(/\\s+/g, " ").trim()`,
    );
  }

  async texts(selector: string): Promise<string[]> {
    return this.evaluate(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].map((one) => one.innerText.replaceAll(/\\s+/g, " ").trim())`,
    );
  }

  /** Where in the window the last such element is. */
  async region(selector: string): Promise<Region> {
    return this.evaluate(
      `(({ x, y, width, height }) => ({ x, y, width, height }))([...document.querySelectorAll(${JSON.stringify(selector)})].at(-1).getBoundingClientRect())`,
    );
  }

  /** As somebody with a mouse: in the middle of the first such element. */
  async click(selector: string): Promise<void> {
    await this.shows(selector);
    // What was done before may still move it.
    await this.settled();
    const { x, y } = await this.evaluate<{ x: number; y: number }>(`(() => {
      const element = [...document.querySelectorAll(${JSON.stringify(selector)})].find((one) => one.checkVisibility());
      element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
      const { x, y, width, height } = element.getBoundingClientRect();
      return { x: x + width / 2, y: y + height / 2 };
    })()`);
    await this.mouse("mouseMoved", x, y);
    await this.mouse("mousePressed", x, y);
    await this.mouse("mouseReleased", x, y);
  }

  async mouse(type: "mouseMoved" | "mousePressed" | "mouseReleased", x: number, y: number): Promise<void> {
    const button = type === "mouseMoved" ? "none" : "left";
    await this.call("Input.dispatchMouseEvent", {
      type,
      x,
      y,
      button,
      buttons: type === "mousePressed" ? 1 : 0,
      clickCount: 1,
    });
  }

  async wheel(selector: string, deltaY: number): Promise<void> {
    await this.shows(selector);
    const { x, y } = await this.evaluate<{ x: number; y: number }>(
      `(({ x, y, width, height }) => ({ x: x + width / 2, y: y + height / 2 }))(document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect())`,
    );
    await this.call("Input.dispatchMouseEvent", { type: "mouseWheel", x, y, deltaX: 0, deltaY });
  }

  /** Puts the text into a field in place of what is there. */
  async type(selector: string, text: string): Promise<void> {
    await this.shows(selector);
    await this.evaluate(
      `(() => { const field = document.querySelector(${JSON.stringify(selector)}); field.focus(); field.select?.(); })()`,
    );
    if (text === "") await this.key("Delete");
    else await this.call("Input.insertText", { text });
  }

  /** One key, such as `Tab`, `Enter` or `a`. */
  async key(key: string, { shift = false }: { readonly shift?: boolean } = {}): Promise<void> {
    const code = KEYS[key] ?? (key === "Delete" ? 46 : key.toUpperCase().codePointAt(0));
    const text = key === "Enter" ? "\r" : key.length === 1 ? key : undefined;
    const event = {
      key,
      code: key.length === 1 ? `Key${key.toUpperCase()}` : key,
      windowsVirtualKeyCode: code,
      modifiers: shift ? 8 : 0,
    };
    await this.call("Input.dispatchKeyEvent", {
      type: "keyDown",
      ...event,
      ...(text === undefined ? {} : { text }),
    });
    await this.call("Input.dispatchKeyEvent", { type: "keyUp", ...event });
  }

  /** Shows it, and hides what was in front before. */
  async show(): Promise<void> {
    do await this.call("Page.bringToFront");
    while (await this.evaluate<boolean>("document.hidden"));
  }

  /** What is seen now, of the whole window; `settled` waits for the frame in which all that has changed is drawn. */
  async screenshot(): Promise<Picture> {
    await this.settled();
    const { data } = await this.call("Page.captureScreenshot", { format: "png" });
    return Picture.read(Buffer.from(String(data), "base64"));
  }

  async settled(): Promise<void> {
    await this.evaluate(
      "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))",
    );
  }

  async close(): Promise<void> {
    await this.#dispose();
  }

  hear(method: string, params: Params): void {
    for (const waiter of this.#waiters) {
      if (waiter.method !== method) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(params);
    }
    const problem = problemIn(method, params);
    if (problem !== null) this.problems.push(problem);
    if (method === "Network.requestWillBeSent") this.#asked(params["request"] as { readonly url: string });
    if (method === "Network.webSocketCreated") this.#asked(params as { readonly url: string });
  }

  #asked({ url }: { readonly url: string }): void {
    this.requests.push(url);
    if (/^(?:data|blob|about):/u.test(url) || (this.#origin !== "" && new URL(url).origin === this.#origin))
      return;
    if (this.#origin !== "") this.problems.push(`a request left the origin: ${url}`);
  }

  #event(method: string): Promise<Params> {
    return new Promise((resolve) => {
      this.#waiters.add({ method, resolve });
    });
  }
}

/** What the browser says is wrong, in a line; null for everything else. */
function problemIn(method: string, params: Params): string | null {
  switch (method) {
    case "Runtime.exceptionThrown": {
      const { text, exception } = params["exceptionDetails"] as {
        text: string;
        exception?: { description?: string };
      };
      return `an exception: ${exception?.description ?? text}`;
    }
    case "Runtime.consoleAPICalled": {
      const { type, args } = params as {
        type: string;
        args: readonly { value?: unknown; description?: string }[];
      };
      if (type !== "error" && type !== "warning" && type !== "assert") return null;
      return `in the console: ${args.map(({ value, description }) => String(value ?? description)).join(" ")}`;
    }
    case "Log.entryAdded": {
      const { level, text, url = "" } = params["entry"] as { level: string; text: string; url?: string };
      // Other tests put up interfaces of the kernel: the browser breaks off all that goes on then, and the page has to come back.
      if (text.includes("net::ERR_NETWORK_CHANGED")) return null;
      return level === "error" || level === "warning" ? `in the log: ${text} ${url}` : null;
    }
    case "Audits.issueAdded": {
      const { code } = params["issue"] as { code: string };
      return code === "ContentSecurityPolicyIssue"
        ? `against the policy: ${JSON.stringify(params["issue"])}`
        : null;
    }
    default:
      return null;
  }
}
