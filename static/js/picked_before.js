// What was typed for the assistants that were left again, and the address of the one that is shown.
const DOCUMENT = /^((given|kind|key|order)\/)?(input|context|config)(\/|$)/;
const kept = new Map();

/** Keep what stands in the form of the assistant that is left; gives what the next one had that this one does not. */
export function recall(form, from, to) {
  const typed = Object.fromEntries(
    [...new FormData(form)].filter(([name, value]) => DOCUMENT.test(name) && typeof value === "string"));
  kept.set(from, { ...kept.get(from), ...typed });
  return Object.fromEntries(Object.entries(kept.get(to) ?? {}).filter(([name]) => !(name in typed)));
}

/** The address names the assistant that is shown, and no document that was another one's. */
export function address(assistant) {
  const url = new URL(location.href);
  for (const key of [...url.searchParams.keys()]) if (DOCUMENT.test(key)) url.searchParams.delete(key);
  url.searchParams.set("assistant_id", assistant);
  history.replaceState(history.state, "", url);
}
