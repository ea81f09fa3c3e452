// Forms made from a schema. Everything works without this: it only saves a click or a round trip.
const BIG_FILE_BYTES = 10_000_000;

export function attachSchemaForms(part) {
  const forms = part.matches?.("[data-schema-form]") ? [part] : part.querySelectorAll("[data-schema-form]");
  for (const form of forms) {
    if (form.dataset.ready) continue;
    form.dataset.ready = "true";
    form.addEventListener("input", whenTyped);
    form.addEventListener("change", whenChosen);
    form.addEventListener("click", whenClicked, { capture: true });
  }
}

/** Input is a value, so clear "empty means null". */
function whenTyped({ target }) {
  if (target.matches("textarea, input") && target.value) {
    const given = target.closest(".sf-field")?.querySelector("[data-given]");
    if (given) given.value = "";
  }
}

function whenChosen({ target }) {
  // Another kind has other fields; the button next to it fetches them.
  if (target.matches("[data-kind]")) target.parentElement.querySelector(".sf-scripted")?.click();
  if (target.matches("[data-upload]") && target.files[0]) upload(target);
}

/** Fill in an example here. Captured, so that the button does not ask the server to do it. */
function whenClicked(event) {
  const chip = event.target.closest("[data-fill]");
  const control = chip?.closest(".sf-field").querySelector("textarea, input:not([type=hidden])");
  if (!control) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  fill(control, chip.dataset.fill);
  control.focus();
}

function fill(control, text) {
  control.value = text;
  control.dispatchEvent(new Event("input", { bubbles: true }));
}

/** The file as base64 in the field's own text, which is what is sent; an image's keeps its media type. */
function upload(input) {
  const field = input.closest(".sf-field");
  const [file] = input.files;
  if (file.size > BIG_FILE_BYTES) {
    input.setCustomValidity("This file is larger than 10 MB.");
    input.reportValidity();
    input.value = "";
    return;
  }
  input.setCustomValidity("");
  const reader = new FileReader();
  reader.addEventListener("load", () => {
    const url = String(reader.result);
    fill(field.querySelector("textarea"), "dataUrl" in input.dataset ? url : url.slice(url.indexOf(",") + 1));
    input.value = "";
  });
  reader.readAsDataURL(file);
}
