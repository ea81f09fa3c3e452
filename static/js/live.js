// Keeps a page up to date: what arrives is merged part by part, or row by row on the runs page.
import { Connection } from "./socket.js";
import { fetchFragment } from "./fragment.js";
import { closeWithLink } from "./link_end.js";
import { mergeParts } from "./merge.js";
import { rowsOf } from "./rows.js";

export function attachLive(root) {
  // The title may be only for readers of the page, and not for link previews.
  const facts = root.querySelector("[data-title]");
  if (facts) document.title = facts.dataset.title;
  const badge = root.querySelector("[data-live-socket]");
  if (!badge) return void root.querySelectorAll("[data-live-end]").forEach((final) => closeWithLink(final));
  const list = badge.dataset.live === "rows" ? rowsOf(document.getElementById("run-list")) : null;
  new Connection(badge, list ? takeList(list) : mergeParts);
}

/** Updates of the runs page: rows, or the worker banner, which a page that polls fetches separately. */
function takeList(list) {
  return (html, url) => {
    if (html.includes('id="work-notice"') || html.includes('id="inbox-count"')) mergeParts(html);
    if (url) fetchFragment("/workers/notice/").then((answer) => answer.html && mergeParts(answer.html));
    return url || html.includes('id="run-changes"') ? list.merge(html, url) : [];
  };
}
