// Asks an address for the fragment it shows now, as htmx would. Gives `{ html }`, or `{ end }` when there is no coming
// back (signed out, gone), or `{}` when it could not be had this time.
const TIMEOUT_MS = 10000;

export async function fetchFragment(url) {
  try {
    const answer = await fetch(url, { headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (answer.headers.has("HX-Redirect")) return { end: "signed-out" };
    if (answer.status === 404 || answer.status === 403) return { end: "gone" };
    return answer.ok ? { html: await answer.text() } : {};
  } catch {
    return {};
  }
}
