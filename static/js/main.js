// Attaches the behaviours of a page. Each finds its elements in the loaded part, or does nothing.
import { attachAnswering } from "./answering.js";
import { attachCopy } from "./copy.js";
import { attachDraft } from "./draft.js";
import { attachFilters } from "./filters.js";
import { attachGraphs } from "./graph.js";
import { attachInbox } from "./inbox.js";
import { attachInboxCount } from "./inbox_count.js";
import { attachJsonFields } from "./json_field.js";
import { attachJsonEditors } from "./json_editor.js";
import { attachKeys } from "./keys.js";
import { attachLaunch } from "./launch.js";
import { attachLive } from "./live.js";
import { attachMenus } from "./menu.js";
import { attachPicking } from "./picking.js";
import { attachNotify, attachNotifyChoices } from "./notify.js";
import { attachToasts } from "./toasts.js";
import { attachPicker } from "./picker.js";
import { attachSchemaForms } from "./schema_forms.js";
import { attachThreads, markThreads } from "./threads.js";
import { attachTabs } from "./tabs.js";
import { attachRunKeys } from "./run_keys.js";
import { startTicking } from "./tick.js";
import { attachTyped } from "./typed.js";
import { fillTimeZone } from "./zone.js";
import { attachTrees, prepareTrees } from "./tree.js";

const { htmx } = window;

// These listen on the whole document, so parts that come later need no attaching.
attachLive(document);
attachCopy(document);
attachMenus(document);
attachAnswering(document);
attachTyped(document);
attachInbox();
attachInboxCount();
attachThreads(document);
attachToasts(document.body);
attachPicking(document);
attachNotify(document);
attachNotifyChoices(document);
attachKeys(document);
startTicking(document);
attachTrees(document);
attachRunKeys(document);

htmx.onLoad((part) => {
  attachTabs(part);
  attachGraphs(part);
  attachFilters(part);
  attachJsonFields(part);
  attachJsonEditors(part);
  attachLaunch(part);
  attachDraft(part);
  attachPicker(part);
  attachSchemaForms(part);
  prepareTrees(part);
  markThreads(part);
  fillTimeZone(part);
});
