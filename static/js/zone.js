// The browser's time zone, for the account of a person who joins.
export function fillTimeZone(part) {
  for (const field of part.querySelectorAll("[data-time-zone]")) {
    field.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
  }
}
