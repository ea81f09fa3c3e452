// A page's line to the server: a WebSocket that htmx's ws extension opens and reconnects. It is live once it has brought
// its first message, which is what the database holds now, and once what the page asked for besides has come as well.
// The server says something every 15 s: a line that is silent for longer is dead without knowing it. While the page is
// not live the badge says so, and the page polls when that takes long.
import { showState } from "./badge.js";
import { News } from "./updates.js";
import { Patience } from "./polling.js";

const SILENT_AFTER_MS = 40000;
const LISTEN_EVERY_MS = 5000;
const CODES = { htmxReconnects: [1006, 1011, 1012, 1013], ends: { 4401: "signed-out", 4404: "gone" } };

export class Line {
  constructor(badge, take) {
    // `socket` only while it is open; `isTold` once it has brought something.
    Object.assign(this, { badge, wrapper: null, socket: null, isTold: false, isLive: false, hasMissed: false });
    this.news = new News(take, (why) => this.end(why));
    const paused = () => badge.dataset.state === "polling" || showState(this.badge, "paused", this.news.heardAt);
    this.patience = new Patience(paused, () => this.poll());
    badge.addEventListener("htmx:wsOpen", ({ detail }) => this.opened(detail.event.target, detail.socketWrapper));
    badge.addEventListener("htmx:wsClose", ({ detail }) => this.closed(detail.event, detail.socketWrapper));
    badge.addEventListener("htmx:wsBeforeMessage", (event) => {
      event.preventDefault();  // htmx must not swap it: it would close what the reader has opened
      this.told(event.detail.message);
    });
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
    setInterval(() => this.listen(), LISTEN_EVERY_MS);
    window.addEventListener("offline", () => this.lost());  // the socket itself would notice minutes later
    window.addEventListener("online", () => this.isOver || this.socket || this.wrapper?.reconnect());
    showState(badge, "connecting");
    this.patience.start();
  }

  opened(socket, wrapper) {
    if (!this.isOver) Object.assign(this, { socket, wrapper, isTold: false, isLive: false });
  }

  async told(html) {
    this.isTold = this.socket !== null;
    if (!(await this.news.heard(html))) this.hasMissed = true;
    this.settle();
  }

  /** Live, or not, by what has come; undecided while something is still asked for. */
  settle() {
    if (this.isOver || !this.isTold || this.news.isAsking || this.isLive === !this.hasMissed) return;
    this.isLive = !this.hasMissed;
    if (!this.isLive) return this.patience.start();
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
    Object.assign(this, { socket: null, isTold: false, isLive: false, hasMissed: false });
    if (!this.isOver) this.patience.start();
  }

  async poll() {
    const wasTold = this.isTold;
    const isHeard = await this.news.look(this.badge.dataset.livePoll);
    if (isHeard && wasTold) this.hasMissed = false;
    this.settle();
    if (!this.isLive && !this.isOver) showState(this.badge, isHeard ? "polling" : "paused", this.news.heardAt);
  }

  /** A page that comes into sight looks at once when it is not live, or its line has long been silent. */
  refresh() {
    this.listen();
    if (!this.isOver && !this.isLive) this.poll();
  }

  listen() {
    if (!this.isLive || Date.now() - this.news.heardAt < SILENT_AFTER_MS) return;
    this.socket.onclose = null;  // its end, whenever it comes, must not make htmx open yet another
    this.lost();
    this.wrapper.reconnect();
  }

  end(state) {
    this.isOver = this.news.isOver = true;
    this.patience.stop();
    this.socket?.close(1000);
    const rest = this.badge.cloneNode(true);  // htmx reconnects only elements of the page, and the copy has no socket
    rest.removeAttribute("ws-connect");
    this.badge.replaceWith(rest);
    showState(rest, state);
    if (state === "gone") location.reload();  // what was on screen is not theirs to see any more; the server says why
  }
}
