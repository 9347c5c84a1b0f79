/** cli: HTML as a template that escapes every value, so that no text of a file or a program can break
 *  out of its place. */

/** HTML that stands for itself. */
export class Markup {
  constructor(readonly text: string) {}
}
type Value = string | number | Markup | readonly Markup[]

/** `markup\`<td>${name}\``: texts and numbers are escaped; markup within markup is not escaped again. */
export const markup = (parts: TemplateStringsArray, ...values: readonly Value[]): Markup =>
  new Markup(parts.reduce((text, part, i) => text + textOf(values[i - 1]!) + part))

function textOf(value: Value): string {
  if (value instanceof Markup) return value.text
  if (typeof value === "object") return value.map(({ text }) => text).join("")
  return String(value).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

/** JSON as the value of a script, which it cannot end. */
export const scriptData = (value: unknown): Markup =>
  new Markup(JSON.stringify(value).replaceAll("<", "\\u003c"))
