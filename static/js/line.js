// A page's line to the server: a WebSocket that htmx's ws extension opens and reconnects. It is live once it has brought
// its first message, which is what the database holds now: a line that is merely open may have nothing to tell. Until
// then the badge says so, and the page polls when it takes long.
import { showState } from "./badge.js";
import { look } from "./look.js";
import { hasEnded } from "./merge.js";
import { Patience } from "./patience.js";

const STALE_AFTER_MS = 60000;
const CODES = { htmxReconnects: [1006, 1011, 1012, 1013], ends: { 4401: "signed-out", 4404: "gone" } };

export class Line {
  constructor(badge, take) {
    // `socket` only while it is open.
    Object.assign(this, { badge, take, socket: null, isLive: false, wrapper: null, heardAt: Date.now() });
    const paused = () => badge.dataset.state === "polling" || showState(this.badge, "paused", this.heardAt);
    this.patience = new Patience(paused, () => this.poll());
    badge.addEventListener("htmx:wsOpen", ({ detail }) => this.opened(detail.event.target, detail.socketWrapper));
    badge.addEventListener("htmx:wsClose", ({ detail }) => this.closed(detail.event, detail.socketWrapper));
    badge.addEventListener("htmx:wsBeforeMessage", (event) => {
      event.preventDefault();  // htmx must not swap it: it would close what the reader has opened
      this.told(event.detail.message);
    });
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
    window.addEventListener("offline", () => this.lost());  // the socket itself would notice minutes later
    window.addEventListener("online", () => this.isOver || this.socket || this.wrapper?.reconnect());
    showState(badge, "connecting");
    this.patience.start();
  }

  opened(socket, wrapper) {
    if (this.isOver) return;
    Object.assign(this, { socket, wrapper, isLive: false });
  }

  told(html) {
    this.heard(html);
    if (this.isOver || !this.socket || this.isLive) return;
    this.isLive = true;
    this.patience.stop();
    showState(this.badge, "live");
  }

  closed({ code, target }, wrapper) {
    if (this.isOver || (this.socket && target !== this.socket)) return;
    if (CODES.ends[code]) return void this.end(CODES.ends[code]);
    this.lost();
    const again = () => this.isOver || this.socket || wrapper.reconnect();
    if (!CODES.htmxReconnects.includes(code)) setTimeout(again, 1000 + 2000 * Math.random());
  }

  lost() {
    Object.assign(this, { socket: null, isLive: false });
    if (!this.isOver) this.patience.start();
  }

  heard(html, url) {
    if (this.isOver) return;
    this.heardAt = Date.now();
    for (const more of this.take(html, url) ?? []) this.look(more);
    if (hasEnded(document)) this.end("final");
  }

  async poll() {
    const isHeard = await this.look(this.badge.dataset.livePoll);
    if (!this.isLive && !this.isOver) showState(this.badge, isHeard ? "polling" : "paused", this.heardAt);
  }

  async look(url) {
    const { html, end } = await look(url);
    if (end && !this.isOver) this.end(end);
    if (html !== undefined) this.heard(html, url);
    return html !== undefined;
  }

  /** A page that was out of sight looks once: its socket may be dead without knowing it. */
  refresh() {
    if (!this.isOver && (!this.isLive || Date.now() - this.heardAt > STALE_AFTER_MS)) this.poll();
  }

  end(state) {
    this.isOver = true;
    this.patience.stop();
    this.socket?.close(1000);
    const rest = this.badge.cloneNode(true);  // htmx reconnects only elements of the page, and the copy has no socket
    rest.removeAttribute("ws-connect");
    this.badge.replaceWith(rest);
    showState(rest, state);
    if (state === "gone") location.reload();  // what was on screen is not theirs to see any more; the server says why
  }
}
