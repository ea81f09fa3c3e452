// Updates of a page, pushed or polled, and whether they are complete: an update may name further addresses to fetch.
import { fetchFragment } from "./fragment.js";
import { hasEnded } from "./merge.js";

export class Updates {
  heardAt = Date.now();
  isOver = false;
  #asking = 0;

  /** `take` puts HTML into the page and returns further addresses to fetch; `onEnd` is called once nothing more comes. */
  constructor(take, onEnd) {
    this.take = take;
    this.onEnd = onEnd;
  }

  get isAsking() {
    return this.#asking > 0;
  }

  /** Whether the update is complete. */
  async received(html, url) {
    if (this.isOver) return true;
    this.heardAt = Date.now();
    const asked = (this.take(html, url) ?? []).map((more) => this.ask(more));
    if (hasEnded(document)) this.onEnd("final");
    return (await Promise.all(asked)).every(Boolean);
  }

  /** Whether an address answered, and its answer is complete. */
  async ask(url) {
    this.#asking += 1;
    try {
      const { html, end } = await fetchFragment(url);
      if (end && !this.isOver) this.onEnd(end);
      return html !== undefined && (await this.received(html, url));
    } finally {
      this.#asking -= 1;
    }
  }
}
