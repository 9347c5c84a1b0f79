/** codegen/wasm: the functions of a module by name: those of math/, added when first called, and those that others add. */
import { bug } from "../../source/bug.js"
import { type Code, get, type Locals, set, type WasmFunction } from "./code.js"
import { HALF_FUNCTIONS } from "./half.js"
import { Vectors } from "./math/builder.js"
import { MATH, type MathName } from "./math/functions.js"
import { LARGE_FUNCTIONS } from "./math/trigonometric.js"
import { RANDOM_FUNCTIONS } from "./random.js"

const SHORT: ReadonlySet<string> = new Set(["exp", "exp2", "log", "tanh", "erf"] satisfies MathName[])

export class Functions {
  readonly all: WasmFunction[] = []
  private readonly numbers = new Map<string, number>()

  constructor(
    /** Numbers below belong to imported functions. */
    private readonly first: number,
  ) {}

  add(f: WasmFunction): number {
    if (this.numbers.has(f.name)) bug(`two functions ${f.name}`)
    const number = this.first + this.all.length
    this.numbers.set(f.name, number)
    this.all.push(f)
    return number
  }

  /** A call by name; library functions come into the module here. */
  call = (name: string, ...args: Code[]): Code => [args, ["call", this.numbers.get(name) ?? this.bring(name)]]

  /** Inlines a short function of math/ in a loop, where calls would take a fourth of the time; `locals` are those of the function that
   *  it stands in. */
  inLoop = (name: string, locals: Locals, ...args: Code[]): Code => {
    if (!SHORT.has(name)) return this.call(name, ...args)
    const { build } = MATH[name as MathName]
    const given = args.map((value) => ({ value, local: locals.add("v128") }))
    const [x, y] = given.map((g) => get(g.local))
    const v = new Vectors(args.length, this.call, locals)
    return [given.map((g) => set(g.local, g.value)), v.written(build(v, x!, y ?? x!))]
  }

  private bring(name: string): number {
    if (name in MATH) {
      const { arity, build } = MATH[name as MathName]
      const v = new Vectors(arity, this.call)
      return this.add(v.finish(name, build(v, get(0), get(1))))
    }
    const make =
      LARGE_FUNCTIONS[name] ?? HALF_FUNCTIONS[name] ?? RANDOM_FUNCTIONS[name] ?? bug(`no function ${name}`)
    return this.add(make(this.call))
  }
}
