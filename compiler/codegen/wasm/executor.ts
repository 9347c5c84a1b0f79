/** codegen/wasm: the functions that run a list of commands, in one thread or with helpers.
 *  The first thread goes through the list. A command worth it is cut into pieces of workgroups; whoever takes the next ticket
 *  computes that piece, and the first thread waits only for pieces that were taken. A helper that the system does not
 *  schedule takes none, so it holds up nobody.
 *  Guarantees: every command sees the writes of the earlier ones; a command is divided by workgroups alone, so any number of
 *              threads computes the same bits.
 *  Layouts:    runtime/bundle/wasm.ts. */
import { COMMAND, COMMAND_WORDS, CONTROL } from "../../../runtime/bundle/wasm.js"
import { type Code, get, i32, load, Locals, op, set, store, when, type WasmFunction } from "./code.js"

/** Looks at a word this often before sleeping: thirty to fifty microseconds, as long as it takes to be woken. A look is one iteration of a
 *  processor; threads that slept after fewer did so at the end of every kernel. */
const SPINS = 100_000
const SLEEP_NANOSECONDS = 100_000_000
/** Sleeps after which a thread is given up: a minute. */
const MOST_SLEEPS = 600
/** More pieces than threads: the others go on while one is held up. */
const PIECES_PER_THREAD = 4

const atomic = (address: number): Code => load("i32.atomic.load", i32(address))
const isSet = (address: number): Code => op("i32.ne", atomic(address), i32(0))
const addTo = (address: number, value: number): Code => [i32(address), i32(value), ["i32.atomic.rmw.add"]]
const least = (a: Code, b: Code): Code => [a, b, op("i32.lt_s", a, b), ["select", "i32"]]

/** help(): computes pieces of the divided command until none is left. */
export function helpFunction(): WasmFunction {
  const locals = new Locals(0)
  const ticket = locals.add("i64")
  const fields = ["index", "args", "parameters", "groups", "size"] as const
  const field = new Map(fields.map((name) => [name, locals.add("i32")]))
  const from = locals.add("i32")
  const of = (name: (typeof fields)[number]): Code => get(field.get(name)!)
  const exchanged: Code = [
    i32(CONTROL.ticket),
    get(ticket),
    op("i64.add", get(ticket), ["i64.const", 1]),
    ["i64.atomic.rmw.cmpxchg"],
  ]
  return {
    name: "help",
    type: { params: [], results: [] },
    locals: locals.types,
    code: [
      ["loop"],
      set(ticket, load("i64.atomic.load", i32(CONTROL.ticket))),
      when(op("i32.ge_u", op("i32.wrap_i64", get(ticket)), atomic(CONTROL.pieces)), [["return"]]),
      // These belong to the ticket if taking it succeeds: the command ends only when all its pieces are taken.
      fields.map((name) => set(field.get(name)!, load("i32.load", i32(CONTROL[name])))),
      when(op("i64.ne", exchanged, get(ticket)), [["br", 1]]),
      set(from, op("i32.mul", op("i32.wrap_i64", get(ticket)), of("size"))),
      [
        of("args"),
        of("parameters"),
        get(from),
        least(op("i32.add", get(from), of("size")), of("groups")),
        of("index"),
        ["call_indirect"],
      ],
      [addTo(CONTROL.done, 1), ["drop"]],
      when(isSet(CONTROL.waiting), [i32(CONTROL.done), i32(-1), ["memory.atomic.notify"], ["drop"]]),
      ["br", 0],
      ["end"],
    ],
  }
}

/** divide(index, arguments, parameters, groups, threads) -> 1 when a thread has died. */
export function divideFunction(help: Code): WasmFunction {
  const [INDEX, ARGUMENTS, PARAMETERS, GROUPS, THREADS] = [0, 1, 2, 3, 4] as const
  const locals = new Locals(5)
  const [size, pieces, done, spins, sleeps] = Array.from({ length: 5 }, () => locals.add("i32")) as [
    number,
    number,
    number,
    number,
    number,
  ]
  const upTo = (n: Code, by: Code): Code => op("i32.div_u", op("i32.add", n, op("i32.sub", by, i32(1))), by)
  const put = (name: keyof typeof CONTROL, value: Code): Code => store("i32.store", i32(CONTROL[name]), value)
  const next = op("i64.shl", op("i64.extend_i32_u", op("i32.add", atomic(CONTROL.command), i32(1))), [
    "i64.const",
    32,
  ])
  // A helper that looked before the fields change must not take a ticket after: none is valid in between.
  const closed = op("i64.or", load("i64.atomic.load", i32(CONTROL.ticket)), op("i64.extend_i32_u", i32(-1)))
  const sleep: Code = [
    store("i32.atomic.store", i32(CONTROL.waiting), i32(1)),
    [i32(CONTROL.done), get(done), ["i64.const", SLEEP_NANOSECONDS], ["memory.atomic.wait32"], ["drop"]],
    store("i32.atomic.store", i32(CONTROL.waiting), i32(0)),
    set(sleeps, op("i32.add", get(sleeps), i32(1))),
    when(op("i32.gt_s", get(sleeps), i32(MOST_SLEEPS)), [i32(1), ["return"]]),
  ]
  return {
    name: "divide",
    type: { params: ["i32", "i32", "i32", "i32", "i32"], results: ["i32"] },
    locals: locals.types,
    code: [
      set(size, upTo(get(GROUPS), op("i32.mul", get(THREADS), i32(PIECES_PER_THREAD)))),
      set(pieces, upTo(get(GROUPS), get(size))),
      store("i64.atomic.store", i32(CONTROL.ticket), closed),
      put("index", get(INDEX)),
      put("args", get(ARGUMENTS)),
      put("parameters", get(PARAMETERS)),
      put("groups", get(GROUPS)),
      put("size", get(size)),
      store("i32.atomic.store", i32(CONTROL.done), i32(0)),
      store("i32.atomic.store", i32(CONTROL.pieces), get(pieces)),
      store("i64.atomic.store", i32(CONTROL.ticket), next),
      when(isSet(CONTROL.sleepers), [i32(CONTROL.command), i32(-1), ["memory.atomic.notify"], ["drop"]]),
      help,
      ["loop"],
      set(done, atomic(CONTROL.done)),
      when(op("i32.eq", get(done), get(pieces)), [i32(0), ["return"]]),
      when(isSet(CONTROL.failed), [i32(1), ["return"]]),
      set(spins, op("i32.add", get(spins), i32(1))),
      when(op("i32.and", op("i32.gt_s", get(spins), i32(SPINS)), isSet(CONTROL.mayBlock)), sleep),
      ["br", 0],
      ["end"],
      ["unreachable"],
    ],
  }
}

/** run(commands, count, threads) -> 1 when a thread has died. */
export function runFunction(divide: (...args: Code[]) => Code): WasmFunction {
  const [COMMANDS, COUNT, THREADS] = [0, 1, 2] as const
  const locals = new Locals(3)
  const [at, end, kind] = [locals.add("i32"), locals.add("i32"), locals.add("i32")] as const
  const word = (n: number): Code => load("i32.load", get(at), 4 * n)
  const divided = op(
    "i32.and",
    op("i32.eq", get(kind), i32(COMMAND.split)),
    op("i32.gt_s", get(THREADS), i32(1)),
  )
  const step: Code = [
    set(kind, word(0)),
    op("i32.eq", get(kind), i32(COMMAND.copy)),
    ["if"],
    [word(2), word(1), word(3), ["memory.copy"]],
    ["else"],
    divided,
    ["if"],
    when(divide(word(1), word(2), word(3), word(4), get(THREADS)), [i32(1), ["return"]]),
    ["else"],
    [word(2), word(3), i32(0), word(4), word(1), ["call_indirect"]],
    ["end"],
    ["end"],
    set(at, op("i32.add", get(at), i32(4 * COMMAND_WORDS))),
  ]
  return {
    name: "run",
    type: { params: ["i32", "i32", "i32"], results: ["i32"] },
    locals: locals.types,
    code: [
      set(at, get(COMMANDS)),
      set(end, op("i32.add", get(COMMANDS), op("i32.mul", get(COUNT), i32(4 * COMMAND_WORDS)))),
      ["loop"],
      when(op("i32.lt_u", get(at), get(end)), [step, ["br", 1]]),
      ["end"],
      i32(0),
    ],
  }
}

/** work(): helps with divided commands as they come. */
export function workFunction(help: Code): WasmFunction {
  const locals = new Locals(0)
  const [seen, spins] = [locals.add("i32"), locals.add("i32")] as const
  const sleep: Code = [
    [addTo(CONTROL.sleepers, 1), ["drop"]],
    // Told to quit between the last look and here: the word has not changed, so the sleep has an end.
    [i32(CONTROL.command), get(seen), ["i64.const", SLEEP_NANOSECONDS], ["memory.atomic.wait32"], ["drop"]],
    [addTo(CONTROL.sleepers, -1), ["drop"]],
  ]
  return {
    name: "work",
    type: { params: [], results: [] },
    locals: locals.types,
    code: [
      ["loop"],
      set(spins, i32(0)),
      ["loop"],
      when(isSet(CONTROL.quit), [["return"]]),
      when(op("i32.eq", atomic(CONTROL.command), get(seen)), [
        set(spins, op("i32.add", get(spins), i32(1))),
        when(op("i32.gt_s", get(spins), i32(SPINS)), sleep),
        ["br", 1],
      ]),
      ["end"],
      set(seen, atomic(CONTROL.command)),
      help,
      ["br", 0],
      ["end"],
    ],
  }
}
