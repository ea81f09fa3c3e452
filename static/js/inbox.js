// The inbox: its keys, its count in the title, and a notification when a question comes, for those who asked for it.
import { attachInboxKeys } from "./inbox_keys.js";
import { OF_QUESTIONS, wants } from "./notify.js";

export function attachInbox() {
  const inbox = document.querySelector("[data-inbox]");
  watchCount();
  if (!inbox) return;
  attachInboxKeys(inbox);
  attachNotify();
}

/** The count in the title follows the one in the navigation; a higher one may cause a notification. */
function watchCount() {
  const link = document.getElementById("inbox-count")?.parentElement;
  if (!link) return;
  const count = () => Number(document.getElementById("inbox-count").dataset.inboxCount);
  const words = (number) => (number > 999 ? "999+" : `${number}`);  // the server counts no further
  let known = count();
  new MutationObserver(() => {
    if (count() > known && document.hidden && "Notification" in window && wants(OF_QUESTIONS)) {
      new Notification("Runboard", { body: count() === 1 ? "A question waits for an answer" : `${words(count())} questions wait for an answer`, tag: "runboard-inbox" });
    }
    known = count();
    if (document.querySelector("[data-inbox]")) document.title = document.title.replace(/^(\(\d+\+?\) )?/, known ? `(${words(known)}) ` : "");
  }).observe(link, { childList: true, subtree: true, attributes: true });
}

function attachNotify() {
  const button = document.querySelector("[data-inbox-notify]");
  if (!button || !("Notification" in window)) return;
  const label = () => {
    const isOn = wants(OF_QUESTIONS);
    button.lastChild.textContent = isOn ? "Notifying" : "Notify me";
    button.ariaPressed = String(isOn);
  };
  button.hidden = false;
  label();
  button.addEventListener("click", async () => {
    if (localStorage[OF_QUESTIONS]) delete localStorage[OF_QUESTIONS];
    else if ((await Notification.requestPermission()) === "granted") localStorage[OF_QUESTIONS] = "yes";
    label();
  });
}
