/** runtime/data: texts -> ids of tokens, by a tokenizer.json of Hugging Face: byte-pair encoding, WordPiece and Unigram. The package reads the
 *  file and splits texts; this file cuts them to the length of a row, as the Python package `tokenizers` does.
 *  Not here:   ids and masks of fields (stages/tokens.ts). */
import { Tokenizer } from "@huggingface/tokenizers"
import { reasonOf, RunError } from "../error.js"
import { isRow, type Row } from "./records.js"

type Side = "left" | "right"

const MODELS = ["BPE", "WordPiece", "Unigram"] as const
/** The members that a WordPiece model has beside its vocabulary. */
const WORDPIECE = ["unk_token", "continuing_subword_prefix"]
/** The usual names of the padding token, where the file names none. */
const PADDING = ["[PAD]", "<pad>", "<PAD>", "<|pad|>", "<|padding|>"]

export class TextTokenizer {
  /** One more than the largest number of a token. */
  readonly count: number
  /** The number that pads a text; masks leave it out. */
  readonly padding: number
  readonly padded: Side
  /** Special tokens in every row. */
  readonly special: number
  private readonly cut: Side
  private readonly tokenizer: Tokenizer
  /** By the texts of a column: the numbers of each, for rows of one length. */
  private readonly known = new WeakMap<readonly string[], Map<number, (Int32Array | undefined)[]>>()

  /** `place`: the file, for messages. Throws a RunError at a text that is none of a tokenizer. */
  constructor(
    private readonly place: string,
    json: string,
  ) {
    const spec = readSpec(place, json)
    try {
      this.tokenizer = new Tokenizer({ ...NOTHING, ...spec, decoder: null }, {})
      this.special = this.withSpecial([]).length
      this.count = countOf(this.tokenizer)
      // Parts that its model lacks are missed only when a text is read.
      this.tokenizer.tokenize("a", { add_special_tokens: false })
    } catch (caught) {
      throw unreadable(place, reasonOf(caught))
    }
    const padding = isRow(spec["padding"]) ? spec["padding"] : {}
    const named = PADDING.map((token) => this.tokenizer.token_to_id(token)).find((id) => id !== undefined)
    this.padding = typeof padding["pad_id"] === "number" ? padding["pad_id"] : (named ?? 0)
    this.padded = sideOf(padding["direction"])
    this.cut = sideOf(isRow(spec["truncation"]) ? spec["truncation"]["direction"] : undefined)
  }

  /** At most `length` tokens of the text number `code`, the special ones among them. */
  numbers(distinct: readonly string[], code: number, length: number, where: () => string): Int32Array {
    const byLength = this.known.get(distinct) ?? new Map<number, (Int32Array | undefined)[]>()
    this.known.set(distinct, byLength)
    const known = byLength.get(length) ?? []
    byLength.set(length, known)
    return (known[code] ??= this.encode(distinct[code]!, length, where))
  }

  private encode(text: string, length: number, where: () => string): Int32Array {
    const all = this.tokens(text, where)
    const room = length - this.special
    const kept = this.cut === "right" ? all.slice(0, room) : all.slice(Math.max(0, all.length - room))
    return Int32Array.from(this.withSpecial(kept), (token) => {
      const number = this.tokenizer.token_to_id(token) ?? this.tokenizer.model?.unk_token_id
      if (number !== undefined) return number
      throw new RunError(
        "data-tokenizer",
        `${where()}: ${this.place} has no number for ${JSON.stringify(token.slice(0, 40))}, and none for what it does not know`,
        { help: "give its model an `unk_token` that is in its vocabulary" },
      )
    })
  }

  private tokens(text: string, where: () => string): string[] {
    try {
      return this.tokenizer.tokenize(text, { add_special_tokens: false })
    } catch (caught) {
      throw unreadable(this.place, `at the text of ${where()}: ${reasonOf(caught)}`)
    }
  }

  private withSpecial(tokens: string[]): string[] {
    return this.tokenizer.post_processor?.post_process(tokens, null, true).tokens ?? tokens
  }
}

/** Parts of a file that may be left out. */
const NOTHING = { normalizer: null, pre_tokenizer: null, post_processor: null, added_tokens: [] }

/** One more than the largest number of a token. Throws where a number cannot be one, for the package takes any. */
function countOf({ model }: Tokenizer): number {
  let count = 0
  for (const [token, number] of model?.tokens_to_ids ?? []) {
    if (!Number.isInteger(number) || number < 0)
      throw new RangeError(
        `${JSON.stringify(token)} has the number ${String(number)}, and tokens are numbered from 0`,
      )
    count = Math.max(count, number + 1)
  }
  const unknown = model?.unk_token_id ?? 0
  if (count > 0 && unknown >= count)
    throw new RangeError(`what it does not know has the number ${unknown}, and it numbers ${count} tokens`)
  return count
}

const sideOf = (direction: unknown): Side =>
  String(direction ?? "right").toLowerCase() === "left" ? "left" : "right"

function readSpec(place: string, json: string): Row {
  let spec: unknown
  try {
    spec = JSON.parse(json)
  } catch (caught) {
    throw unreadable(place, `it is not JSON: ${reasonOf(caught)}`)
  }
  const model = isRow(spec) ? spec["model"] : undefined
  if (!isRow(spec) || !isRow(model))
    throw unreadable(place, 'it has no "model"; the vocabulary alone (vocab.json, vocab.txt) is not enough')
  const kind = model["type"]
  if (kind !== undefined && !MODELS.some((each) => each === kind))
    throw unreadable(
      place,
      `its model is ${JSON.stringify(kind)}, and ${MODELS.slice(0, -1).join(", ")} and ${MODELS.at(-1)} are read`,
    )
  const lacks = kind === "WordPiece" ? WORDPIECE.find((part) => typeof model[part] !== "string") : undefined
  if (lacks !== undefined)
    throw unreadable(place, `its model is "WordPiece" and has no ${JSON.stringify(lacks)}`)
  return spec
}

const unreadable = (place: string, why: string): RunError =>
  new RunError("data-tokenizer", `${place} is no tokenizer that can be read: ${why}`, {
    help: 'it is the file that `tokenizer.save("tokenizer.json")` of Hugging Face writes',
  })

/** Fields of a program share a few. */
const read = new Map<string, TextTokenizer>()

export function tokenizerOf(place: string, json: string): TextTokenizer {
  const known = read.get(json)
  if (known) return known
  const made = new TextTokenizer(place, json)
  read.set(json, made)
  return made
}
