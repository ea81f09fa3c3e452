// What comes to a page, pushed or asked for, and whether all of it came: news may say that there is more to be asked for.
import { look } from "./fragment.js";
import { hasEnded } from "./merge.js";

export class News {
  #asking = 0;

  /** `take` puts HTML into the page and gives further addresses to ask; `onEnd` is told once why nothing more comes. */
  constructor(take, onEnd) {
    Object.assign(this, { take, onEnd, heardAt: Date.now(), isOver: false });
  }

  get isAsking() {
    return this.#asking > 0;
  }

  /** Whether all of it came. */
  async heard(html, url) {
    if (this.isOver) return true;
    this.heardAt = Date.now();
    const asked = (this.take(html, url) ?? []).map((more) => this.look(more));
    if (hasEnded(document)) this.onEnd("final");
    return (await Promise.all(asked)).every(Boolean);
  }

  /** Whether an address could be asked, and what it answered brought all of it. */
  async look(url) {
    this.#asking += 1;
    try {
      const { html, end } = await look(url);
      if (end && !this.isOver) this.onEnd(end);
      return html !== undefined && (await this.heard(html, url));
    } finally {
      this.#asking -= 1;
    }
  }
}
