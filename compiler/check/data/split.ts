/** check: `split train: 0.8, val: 0.1, test: 0.1, seed: 7`: how the rows of a source are shared out.
 *  Not here:   whether every part gets rows (the runtime's `split.ts`, when the data is read). */
import type { Arg, DataDecl, SplitDecl } from "../../ir/ast/types.js"
import type { Split } from "../../ir/model/types.js"
import type { Fix } from "../../source/diagnostic.js"
import { type Span, spanText } from "../../source/source.js"
import { nearest } from "../../source/suggest.js"
import type { Env } from "../env.js"
import { complain } from "../report.js"
import { numberOf } from "./args.js"
import { DATA_ARGUMENT_ADVICE, SPLIT_HABITS } from "./habits.js"
import { textOf } from "./sources/source.js"

const WORDS = ["train", "val", "test", "seed", "folds", "stratify", "group"] as const
type Word = (typeof WORDS)[number]

/** Undefined where something is wrong with it, null where there is none. */
export function splitOf(env: Env, decl: DataDecl): Split | null | undefined {
  const { split } = decl
  if (!split) return null
  const given = wordsOf(env, split)
  if (!given) return undefined
  if (heldBackTwice(env, decl, given)) return undefined
  const number = (word: Word): number | undefined => {
    const arg = given.get(word)
    return arg && numberOf(env, arg.value, `\`${word}\` of a split`)
  }
  const column = (word: Word): string | null | undefined => {
    const arg = given.get(word)
    return arg ? textOf(env, arg.value) : null
  }
  const [seed = 0, folds] = [number("seed"), number("folds")]
  const [stratify, group] = [column("stratify"), column("group")]
  const shares = { train: number("train"), val: number("val"), test: number("test") }
  const unknown = (word: Word, value: unknown): boolean => given.has(word) && value === undefined
  if (
    unknown("seed", number("seed")) ||
    unknown("folds", folds) ||
    Object.entries(shares).some(([word, value]) => unknown(word as Word, value)) ||
    stratify === undefined ||
    group === undefined
  )
    return undefined
  if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32))
    return wrong(
      env,
      given.get("seed")!.span,
      `a seed is a whole number from 0 to ${2 ** 32 - 1}, not ${seed}`,
      {
        label: "this seed",
      },
    )
  const more = { seed, stratify, group }
  if (folds !== undefined) return inFolds(env, split, given, { ...more, folds, test: shares.test ?? 0 })
  return inShares(env, split, shares, more)
}

type Given = ReadonlyMap<Word, Arg>

function wordsOf(env: Env, split: SplitDecl): Given | undefined {
  const given = new Map<Word, Arg>()
  for (const arg of split.args) {
    const name = arg.name?.text
    const word = WORDS.find((each) => each === name)
    if (word === undefined) {
      const near = name === undefined ? undefined : (SPLIT_HABITS[name] ?? nearest(name, WORDS))
      return wrong(env, arg.span, `a split has ${LISTED}, not \`${name ?? ""}\``, {
        label: "not a part of a split",
        help: near === undefined ? name && DATA_ARGUMENT_ADVICE[name] : `it is written \`${near}\``,
        ...(near !== undefined && arg.name && { fix: { span: arg.name.span, replacement: near } }),
      })
    }
    if (given.has(word))
      return wrong(env, arg.span, `\`${word}\` of a split is given twice`, { label: "the second time" })
    given.set(word, arg)
  }
  return given
}

const LISTED = `${WORDS.slice(0, -1)
  .map((word) => `\`${word}\``)
  .join(", ")} and \`${WORDS.at(-1)}\``

/** By a share and by a source of its own. The part that gets the rest is the test, unless another one is named. */
function heldBackTwice(env: Env, decl: DataDecl, given: Given): boolean {
  const { split, val, test } = decl
  const shares = (part: "val" | "test"): boolean =>
    given.has(part) || (part === "val" ? given.has("folds") : !given.has("val") && !given.has("folds"))
  for (const [part, source] of Object.entries({ val, test }) as ["val" | "test", DataDecl["val"]][]) {
    if (!source || !shares(part)) continue
    complain(env, {
      code: "data-split",
      message: `rows are held back twice: by \`split\` and by \`${part}\``,
      span: split!.span,
      label: "this splits the rows",
      related: [
        {
          span: source.span,
          text:
            part === "test" ? "this gives test rows of their own" : "this gives validation rows of their own",
        },
      ],
      help:
        part === "test" && !val
          ? "keep one of them; rows for validation are `split train: 0.9, val: 0.1`"
          : "keep one of them",
    })
    return true
  }
  return false
}

function inFolds(
  env: Env,
  split: SplitDecl,
  given: Given,
  { folds, test, ...more }: Pick<Split, "seed" | "stratify" | "group" | "test"> & { readonly folds: number },
): Split | undefined {
  const share = given.get("train") ?? given.get("val")
  if (share)
    return wrong(env, share.span, "folds are equal parts of the rows, so nothing else says how many train", {
      label: "a share beside `folds`",
      help: "keep `folds`, and beside it at most `test`: `split folds: 5, test: 0.2, seed: 7`",
    })
  if (!Number.isInteger(folds) || folds < 2 || folds > MOST_FOLDS)
    return wrong(
      env,
      given.get("folds")!.span,
      `\`folds\` is a number of parts from 2 to ${MOST_FOLDS}, not ${folds}`,
      {
        label: `${folds}`,
      },
    )
  if (test >= 0 && test < 1) return { train: 1 - test, val: 0, test, folds, ...more }
  return wrong(env, split.span, `a test share of ${test} leaves nothing for the folds`, {
    label: `${test} for the test`,
  })
}

const MOST_FOLDS = 1000

function inShares(
  env: Env,
  split: SplitDecl,
  given: {
    readonly train: number | undefined
    readonly val: number | undefined
    readonly test: number | undefined
  },
  more: Pick<Split, "seed" | "stratify" | "group">,
): Split | undefined {
  const val = given.val ?? 0
  const train = given.train ?? 1 - val - (given.test ?? 0)
  const rest = Math.max(0, 1 - train - val)
  // A rest within rounding is nothing.
  const test = given.test ?? (rest < 1e-9 ? 0 : rest)
  const sum = train + val + test
  if (train > 0 && val >= 0 && test >= 0 && sum <= 1 + 1e-9) return { train, val, test, folds: null, ...more }
  const parts = [`${train} for training`, ...(given.val === undefined ? [] : [`${val} for validation`])]
  return wrong(env, split.span, `${parts.join(", ")} and ${test} for testing do not share out the rows`, {
    label: `together ${sum}`,
    help: "the parts are fractions of all rows: `split train: 0.7, val: 0.15, test: 0.15, seed: 1`",
    ...(sum > 1.5 && sum <= 100 + 1e-9 && { fix: asFractions(split) }),
  })
}

/** Percent. */
function asFractions({ span }: SplitDecl): Fix {
  const text = spanText(span)
  const replacement = text.replace(
    /\b(train|val|test)(\s*:\s*)([\d.]+)/g,
    (_, word: string, between: string, share: string) => `${word}${between}${Number(share) / 100}`,
  )
  return { span, replacement }
}

function wrong(
  env: Env,
  span: Span,
  message: string,
  about: { readonly label: string; readonly help?: string | undefined; readonly fix?: Fix },
): undefined {
  complain(env, { code: "data-split", message, span, ...about })
  return undefined
}
