/** test: programs with one token changed as a typist changes it, and how well the messages answer. */
import type { IToken } from "chevrotain"
import { lexer } from "../../grammar/tokens.js"
import type { Diagnostic } from "../../compiler/source/diagnostic.js"
import type { SourceFile } from "../../compiler/source/source.js"
import { checkText } from "./checked.js"
import type { Random } from "./random.js"

export const EDITS = ["deleted", "doubled", "swapped", "misspelt"] as const
export type EditKind = (typeof EDITS)[number]

export interface Edit {
  readonly kind: EditKind
  readonly path: string
  readonly text: string
  /** The tokens that changed with a neighbour on either side, as offsets in `text`. */
  readonly near: { readonly start: number; readonly end: number }
  /** `relu` -> `rleu`, as read in a table. */
  readonly change: string
}

/** What the compiler says of an edit. */
export interface Answer {
  readonly edit: Edit
  readonly errors: readonly Diagnostic[]
  readonly milliseconds: number
}

/** Draws edits of `sources`: every kind, program and token of a program equally often. One that leaves all tokens as they
 *  were is drawn again. */
export function tokenEdits(sources: readonly SourceFile[], next: Random): () => Edit {
  const read = sources.map((source) => ({ source, tokens: lexer.tokenize(source.text).tokens }))
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)]!
  return () => {
    const kind = pick(EDITS)
    for (;;) {
      const { source, tokens } = pick(read)
      const at = Math.floor(next() * tokens.length)
      const edit = changed(source, tokens, at, kind, next)
      if (edit !== undefined && !sameTokens(tokens, lexer.tokenize(edit.text).tokens)) return edit
    }
  }
}

function changed(
  { path, text }: SourceFile,
  tokens: readonly IToken[],
  at: number,
  kind: EditKind,
  next: Random,
): Edit | undefined {
  const token = tokens[at]!
  const following = tokens[at + 1]
  const swaps = kind === "swapped"
  if (swaps && following === undefined) return undefined
  const replaced = swaps
    ? following!.image + text.slice(endOf(token), following!.startOffset) + token.image
    : replacement(kind, token.image, next)
  if (replaced === undefined) return undefined
  const end = endOf(swaps ? following! : token)
  const after = tokens[at + (swaps ? 2 : 1)]
  const grown = replaced.length - (end - token.startOffset)
  return {
    kind,
    path,
    text: text.slice(0, token.startOffset) + replaced + text.slice(end),
    near: {
      start: tokens[at - 1]?.startOffset ?? 0,
      end: grown + (after === undefined ? text.length : endOf(after)),
    },
    change: `${swaps ? `${token.image} ${following!.image}` : token.image} -> ${replaced}`,
  }
}

function replacement(kind: EditKind, image: string, next: Random): string | undefined {
  const isWord = /^\w/.test(image)
  if (kind === "deleted") return ""
  if (kind === "doubled") return isWord ? `${image} ${image}` : image + image
  return /^[A-Za-z_]\w/.test(image) ? misspelt(image, next) : undefined
}

/** One letter left out, put in, replaced or swapped with the next. */
function misspelt(word: string, next: Random): string {
  const at = Math.floor(next() * word.length)
  const letter = String.fromCharCode(97 + Math.floor(next() * 26))
  const [before, here, after] = [word.slice(0, at), word[at]!, word.slice(at + 1)]
  switch (Math.floor(next() * 4)) {
    case 0:
      return before + after
    case 1:
      return before + letter + here + after
    case 2:
      return before + letter + after
    default:
      return before + after.slice(0, 1) + here + after.slice(1)
  }
}

const endOf = (token: IToken): number => token.startOffset + token.image.length
const sameTokens = (a: readonly IToken[], b: readonly IToken[]): boolean =>
  a.length === b.length && a.every(({ image }, i) => image === b[i]!.image)

/** Throws what the compiler throws, with the program. */
export function answerTo(edit: Edit): Answer {
  const start = performance.now()
  try {
    const { diagnostics } = checkText(edit.text, edit.path)
    const errors = diagnostics.all.filter(({ severity }) => severity === "error")
    return { edit, errors, milliseconds: performance.now() - start }
  } catch (cause) {
    throw new Error(`${edit.path}, ${edit.kind}: ${edit.change}\n${edit.text}`, { cause })
  }
}

/** Whether the error's mark touches what changed or the tokens beside it. */
export function marks({ near, path }: Edit, { primary }: Diagnostic): boolean {
  if (primary === undefined || primary.span.file.path !== path) return false
  return primary.span.start <= near.end && primary.span.end >= near.start
}

export interface Measures {
  readonly edits: number
  /** Edits that give an error. */
  readonly refused: number
  /** Of those: the first error marks the place. */
  readonly placed: number
  /** Of those: there is one error. */
  readonly single: number
}

export function measure(answers: readonly Answer[]): Measures {
  const refused = answers.filter(({ errors }) => errors.length > 0)
  const placed = refused.filter(({ edit, errors }) => marks(edit, errors[0]!))
  const single = refused.filter(({ errors }) => errors.length === 1)
  return {
    edits: answers.length,
    refused: refused.length,
    placed: placed.length,
    single: single.length,
  }
}
