// Responses to htmx requests that are no plain swap: parts to merge, and failures, which become messages.
import { mergeParts } from "./merge.js";

const SHOWN_MS = 10000;

export function attachToasts(body) {
  body.addEventListener("htmx:beforeSwap", (event) => {
    if (!("merge" in event.detail.requestConfig.elt.dataset) || event.detail.xhr.status !== 200) return;
    event.detail.shouldSwap = false;
    mergeParts(event.detail.xhr.responseText);
  });
  body.addEventListener("htmx:sendError", () => note("Runboard could not be reached. Your request may not have been carried out: check, then try again."));
  body.addEventListener("htmx:responseError", (event) => note(sentence(event.detail.xhr.status)));
}

function sentence(status) {
  if (status === 403) return "You are no longer allowed to do this. Reload the page to see why.";
  if (status === 404) return "This is no longer there.";
  if (status === 503) return "The database cannot be reached right now. Your request may not have been carried out: try again in a moment.";
  return `Something went wrong here (${status}). Reload the page to see the current state.`;
}

function note(words) {
  const place = document.getElementById("notes");
  const paragraph = document.createElement("p");
  paragraph.className = "note";
  paragraph.dataset.tone = "danger";
  paragraph.textContent = words;
  place.replaceChildren(paragraph);
  setTimeout(() => paragraph.remove(), SHOWN_MS);
}
