// Input for assistants that were chosen before, and the address of the current one.
const DOCUMENT = /^((given|kind|key|order)\/)?(input|context|config)(\/|$)/;
const kept = new Map();

/** Keep the form of the previous assistant; returns earlier input of the next one that its form lacks. */
export function recall(form, from, to) {
  const typed = Object.fromEntries(
    [...new FormData(form)].filter(([name, value]) => DOCUMENT.test(name) && typeof value === "string"));
  kept.set(from, { ...kept.get(from), ...typed });
  return Object.fromEntries(Object.entries(kept.get(to) ?? {}).filter(([name]) => !(name in typed)));
}

/** The address names the current assistant, and no document of another one. */
export function address(assistant) {
  const url = new URL(location.href);
  for (const key of [...url.searchParams.keys()]) if (DOCUMENT.test(key)) url.searchParams.delete(key);
  url.searchParams.set("assistant_id", assistant);
  history.replaceState(history.state, "", url);
}
