// The live badge: its text in each state. It never calls a page live that may be old.
const WORDS = {
  connecting: "Connecting",
  live: "Live",
  polling: "Polling every 4 s",
  final: "Final",
  gone: "No longer available",
};

export function showState(badge, state, heardAt) {
  if (badge.dataset.state === state && state !== "paused") return;
  badge.dataset.state = state;
  const text = badge.querySelector("[data-live-text]");
  if (state === "signed-out") text.replaceChildren("Signed out. ", signInLink());
  else if (state === "paused") text.textContent = `Live updates paused, reconnecting. Last update ${clock(heardAt)}`;
  else text.textContent = WORDS[state];
}

function signInLink() {
  const link = document.createElement("a");
  link.href = `/accounts/login/?next=${encodeURIComponent(location.pathname + location.search)}`;
  link.textContent = "Sign in";
  return link;
}

function clock(at) {
  return new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}
