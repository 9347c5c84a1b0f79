/** source: what `nnc explain CODE` says about a code. The pages stand beside the checks, one `codes.ts` per room;
 *  compiler/codes.ts joins them. */

export interface CodePage {
  /** One line. */
  readonly title: string
  /** Why the rule is so, and what to do. Plain text; blank lines separate paragraphs. */
  readonly explanation: string
  /** A program, or a part of one, that has the mistake, and one that does not. */
  readonly bad?: string
  readonly good?: string
}

/** The codes of one room, by name. */
export type CodePages = Readonly<Record<string, CodePage>>

/** The page as text. */
export function printPage(code: string, page: CodePage): string {
  const examples = [
    page.bad === undefined ? [] : ["", "wrong:", indent(page.bad)],
    page.good === undefined ? [] : ["", "right:", indent(page.good)],
  ].flat()
  return [`${code}: ${page.title}`, "", page.explanation.trim(), ...examples, ""].join("\n")
}

const indent = (text: string): string =>
  text
    .trim()
    .split("\n")
    .map((line) => (line === "" ? "" : `    ${line}`))
    .join("\n")
