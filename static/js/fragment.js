// Fetches the current fragment of an address, as htmx would. Returns `{ html }`, or `{ end }` when there is no way
// back (signed out, gone), or `{}` when it failed this time.
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
