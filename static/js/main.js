// Attaches the behaviours of a page. Each finds what it needs in the part that was loaded, or does nothing.
import { attachCopy } from "./copy.js";
import { attachFilters } from "./filters.js";
import { attachJsonFields } from "./json_field.js";
import { attachLaunch } from "./launch.js";
import { attachLive } from "./live.js";
import { attachMenus } from "./menu.js";
import { attachNotes } from "./toasts.js";
import { attachTabs } from "./tabs.js";
import { startTicking } from "./tick.js";

const { htmx } = window;

// A reconnect is tried soon, then more slowly, but as often as a page polls, for it is no dearer: open pages are to be
// live within 10 s of the end of an outage, however long that was. Never by all pages at once.
htmx.config.wsReconnectDelay = (tries) => Math.min(4000, 500 * 2 ** tries) * (0.5 + Math.random() / 2);

// These listen on the whole document, so parts that come later need no attaching. The live line must be among them:
// its socket opens as soon as htmx starts, before the first onLoad.
attachLive(document);
attachCopy(document);
attachMenus(document);
attachNotes(document.body);
startTicking(document);

htmx.onLoad((part) => {
  attachTabs(part);
  attachFilters(part);
  attachJsonFields(part);
  attachLaunch(part);
});
