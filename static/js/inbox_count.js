// How many questions wait, in the navigation of a page without updates: fetched again when somebody comes
// back to it, and every minute while it is on screen.
import { fetchFragment } from "./fragment.js";
import { mergeParts } from "./merge.js";

const EVERY_MS = 60_000;
const SOON_MS = 2_000;

export function attachInboxCount() {
  const count = document.getElementById("inbox-count");
  if (!count) return;
  const { url } = count.parentElement.dataset;
  let askedAt = performance.now();
  const ask = async () => {
    const isLive = document.querySelector('#live[data-state="live"]');
    if (document.hidden || isLive || performance.now() - askedAt < SOON_MS) return;
    askedAt = performance.now();
    const { html } = await fetchFragment(url);
    if (html) mergeParts(html);
  };
  setInterval(ask, EVERY_MS);
  document.addEventListener("visibilitychange", ask);
  window.addEventListener("focus", ask);
}
