// A page that is not live says so after a moment, and then polls until stopped.
const PAUSED_AFTER_MS = 2000;
const POLL_AFTER_MS = 5000;
const POLL_EVERY_MS = 4000;

export class Polling {
  #timers = [];

  constructor(onPaused, onPoll) {
    this.onPaused = onPaused;
    this.onPoll = onPoll;
  }

  /** Begins, unless it has begun already. */
  start() {
    if (this.#timers.length) return;
    const poll = () => {
      this.onPoll();
      this.#timers.push(setInterval(() => document.hidden || this.onPoll(), POLL_EVERY_MS));
    };
    this.#timers = [setTimeout(this.onPaused, PAUSED_AFTER_MS), setTimeout(poll, POLL_AFTER_MS)];
  }

  stop() {
    this.#timers.forEach(clearTimeout);  // ends intervals too
    this.#timers = [];
  }
}
