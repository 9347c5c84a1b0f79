/** grammar: where a token stands, by the brackets around it: in the head of a declaration, among parameters, in a body, in a train section.
 *  Assumes:    tokens in source order, brackets perhaps wrong. */
import type { IToken, TokenType } from "chevrotain"
import { TYPE_HABITS } from "../compiler/source/habits.js"
import { declarationWords } from "./layout.js"
import { isName } from "./rewriting.js"
import * as t from "./tokens.js"

/** The brackets around a place. */
export class Enclosing {
  private readonly open: {
    readonly image: string
    readonly train?: boolean
    readonly declares?: boolean
    readonly params?: boolean
    readonly shape?: boolean
    /** Commas may separate the items in these braces. */
    readonly lists?: boolean
  }[] = []
  /** The declaration whose braces come next. */
  private declaration: TokenType | undefined
  /** The last bracket that closed was one of a declaration's head: another may follow. */
  private closedHead = false
  /** In the head of a fn, a layer, a model or an optimizer: before `from` and the braces. */
  private inHead = false
  /** In the head of a data declaration: before the braces. */
  private inSource = false
  /** The place right after `(` or `,`, and then the name there. */
  private atItem = false
  private atName = false

  meet(token: IToken, previous: IToken | undefined): void {
    const { image } = token
    // A declaration at the left margin is inside nothing: a bracket above was never closed.
    const opensLine = previous === undefined || previous.endLine !== token.startLine
    if (opensLine && token.startColumn === 1 && declarationWords.has(token.tokenType)) this.open.length = 0
    if (this.open.length === 0 && DECLARATIONS.has(token.tokenType)) this.declaration = token.tokenType
    if (this.open.length === 0 && HEADED.has(token.tokenType)) this.inHead = true
    else if (image === "{" || image === "from") this.inHead = false
    if (image === "{" || token.tokenType === t.Data) this.inSource = image !== "{" && this.open.length === 0
    this.atName = this.atItem && isName(token)
    this.atItem = image === "(" || (image === "," && this.open.at(-1)?.image === "(")
    if (image === "(") {
      const heads = this.closedHead || previous?.tokenType === t.Identifier
      const declares = this.open.length === 0 && heads && !this.inSource
      this.open.push({ image, declares, params: declares && this.inHead })
    } else if (image === "[") this.open.push({ image, shape: DTYPES.has(previous?.image ?? "") })
    else if (image === "{") {
      const train = this.open.length === 0 && this.declaration === t.Train
      const lists =
        train || (this.open.length === 0 && this.declaration === t.Data) || this.declaration === t.Import
      this.open.push({ image, train, lists })
    } else if (image === ")" || image === "]" || image === "}") {
      this.closedHead = this.open.pop()?.declares ?? false
      return
    }
    this.closedHead = false
  }

  get isTop(): boolean {
    return this.open.length === 0
  }

  /** Where a statement or a declaration may begin. */
  get isBody(): boolean {
    return this.isTop || this.open.at(-1)?.image === "{"
  }

  /** Whether the token is directly in the braces of a train section. */
  get isTrain(): boolean {
    return this.open.at(-1)?.train ?? false
  }

  /** Directly in the braces of a fn, a layer or a model: there are statements, and no list. */
  get isComputed(): boolean {
    const { image, lists } = this.open.at(-1) ?? {}
    return image === "{" && lists === false
  }

  /** Whether the token is in the list of parameters of a declaration. */
  get isParams(): boolean {
    return this.open.at(-1)?.params ?? false
  }

  /** Among the sizes of a type: `f32[B, 30]`. */
  get isShape(): boolean {
    return this.open.at(-1)?.shape ?? false
  }

  /** After the name that follows `(` or `,` of a call. The parameters of a declaration have defaults after `=`. */
  get namesArgument(): boolean {
    return this.atName && this.open.at(-1)?.image === "(" && !this.open.at(-1)!.declares
  }
}

export const DTYPES: ReadonlySet<string> = new Set([
  ...Object.keys(TYPE_HABITS),
  ...Object.values(TYPE_HABITS),
])
const HEADED = new Set([t.Fn, t.Layer, t.Model, t.Optimizer])
const DECLARATIONS = new Set([t.Fn, t.Layer, t.Model, t.Optimizer, t.Data, t.Train, t.Import, t.Let])
