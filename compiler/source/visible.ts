/** source: text of which a part may come from a stranger's file, without characters that steer a terminal: those of ASCII and
 *  Latin-1 but tab and line feed, line separators, and those that turn the direction of writing. */

// oxlint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** One character stands for each of them, so that columns stay where they are: U+241B for escape. */
export const visible = (text: string): string =>
  text.replace(CONTROL, (sign) => {
    const code = sign.charCodeAt(0)
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\ufffd"
  })

/** JSON that has them as escapes, and reads back the same. */
export const jsonText = (value: unknown): string =>
  JSON.stringify(value).replace(CONTROL, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`)
