/** source: the page that `nnc explain CODE` shows for a code. The pages stand beside the checks, one `codes.ts` per room;
 *  compiler/codes.ts joins them. */

export interface CodePage {
  /** One line. */
  readonly title: string
  /** The reason for the rule, and the remedy. Plain text; blank lines separate paragraphs. */
  readonly explanation: string
  /** A program, or a part of a file, that has the mistake, and one that does not. */
  readonly bad?: string
  readonly good?: string
  /** One sentence: how PyTorch (or Keras, scikit-learn, Python) says or does it. */
  readonly pytorch?: string
  /** The files that `bad` and `good` import, by path. */
  readonly files?: Readonly<Record<string, string>>
}

/** The page of a code about the text of a program: it shows two whole programs, and the counterpart in PyTorch. */
export interface ProgramPage extends CodePage {
  readonly bad: string
  readonly good: string
  readonly pytorch: string
}

/** Codes by name. Those about devices, files and the command line need no program. */
export type CodePages = Readonly<Record<string, CodePage>>
export type ProgramPages = Readonly<Record<string, ProgramPage>>

/** The page as text. */
export function printPage(code: string, page: CodePage): string {
  const examples = [
    page.bad === undefined ? [] : ["", "wrong:", indent(page.bad)],
    page.good === undefined ? [] : ["", "right:", indent(page.good)],
    ...Object.entries(page.files ?? {}).map(([path, text]) => ["", `${path}:`, indent(text)]),
    page.pytorch === undefined ? [] : ["", `in PyTorch: ${page.pytorch}`],
  ].flat()
  return [`${code}: ${page.title}`, "", page.explanation.trim(), ...examples, ""].join("\n")
}

const indent = (text: string): string =>
  text
    .trim()
    .split("\n")
    .map((line) => (line === "" ? "" : `    ${line}`))
    .join("\n")
