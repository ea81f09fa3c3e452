// A page's connection to the server: a WebSocket that is reopened whenever it ends. The page is live once the socket has
// brought its snapshot, which is what the database holds now, and everything else the page asked for. The server sends
// something every 15 s, so a socket that is silent for longer is dead. While the page is not live, the badge says so
// and the page polls.
import { showState } from "./badge.js";
import { closeWithLink } from "./link_end.js";
import { Polling } from "./polling.js";
import { Updates } from "./updates.js";

const SILENT_AFTER_MS = 40000;
const CHECK_EVERY_MS = 5000;
const LONGEST_DELAY_MS = 4000;  // as often as a page polls, so that it is live soon after any outage
const ENDS = { 4401: "signed-out", 4404: "gone" };

/** Soon at first, then more slowly; with jitter, so that pages do not all reconnect at once. */
export function reconnectDelayMs(tries) {
  return Math.min(LONGEST_DELAY_MS, 500 * 2 ** tries) * (0.5 + Math.random() / 2);
}

export class Connection {
  socket = null;
  hasSnapshot = false;
  hasMissed = false;
  isLive = false;
  isOver = false;
  #tries = 0;
  #timer = 0;

  constructor(badge, take) {
    this.badge = badge;
    this.updates = new Updates(take, (why) => this.end(why));
    const paused = () => badge.dataset.state === "polling" || showState(badge, "paused", this.updates.heardAt);
    this.polling = new Polling(paused, () => this.poll());
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
    setInterval(() => this.checkSilence(), CHECK_EVERY_MS);
    window.addEventListener("offline", () => this.drop());  // the socket itself would notice minutes later
    window.addEventListener("online", () => this.socket || this.open());
    showState(badge, "connecting");
    this.polling.start();
    this.open();
  }

  open() {
    clearTimeout(this.#timer);
    if (this.isOver) return;
    const url = new URL(this.badge.dataset.liveSocket, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url.href);
    this.socket = socket;
    socket.onmessage = ({ data }) => this.received(data);
    socket.onclose = ({ code }) => this.closed(code);
  }

  async received(html) {
    this.hasSnapshot = true;
    this.#tries = 0;
    if (!(await this.updates.received(html))) this.hasMissed = true;
    this.settle();
  }

  /** Decide whether the page is live; not while it still waits for something it asked for. */
  settle() {
    if (this.isOver || !this.hasSnapshot || this.updates.isAsking || this.isLive === !this.hasMissed) return;
    this.isLive = !this.hasMissed;
    if (!this.isLive) return this.polling.start();
    this.polling.stop();
    showState(this.badge, "live");
  }

  closed(code) {
    this.drop();
    if (ENDS[code]) return this.end(ENDS[code]);
    this.#timer = setTimeout(() => this.open(), reconnectDelayMs(this.#tries));
    this.#tries += 1;
  }

  /** Drops the socket and ignores whatever it still does. */
  drop() {
    if (this.socket) {
      this.socket.onmessage = this.socket.onclose = null;
      this.socket.close();
    }
    this.socket = null;
    this.hasSnapshot = this.isLive = this.hasMissed = false;
    if (!this.isOver) this.polling.start();
  }

  async poll() {
    const hadSnapshot = this.hasSnapshot;
    const isWhole = await this.updates.ask(this.badge.dataset.livePoll);
    if (isWhole && hadSnapshot) this.hasMissed = false;
    this.settle();
    if (!this.isLive && !this.isOver) showState(this.badge, isWhole ? "polling" : "paused", this.updates.heardAt);
  }

  /** A page that comes into view polls at once when it is not live, or its socket has long been silent. */
  refresh() {
    this.checkSilence();
    if (!this.isOver && !this.isLive) this.poll();
  }

  checkSilence() {
    if (!this.isLive || Date.now() - this.updates.heardAt < SILENT_AFTER_MS) return;
    this.drop();
    this.open();
  }

  end(state) {
    this.isOver = this.updates.isOver = true;
    clearTimeout(this.#timer);
    this.drop();
    this.polling.stop();
    showState(this.badge, state);
    if (state === "final") closeWithLink(this.badge);
    if (state === "gone") location.reload();  // the reader may no longer see what is on screen; the server says why
  }
}
