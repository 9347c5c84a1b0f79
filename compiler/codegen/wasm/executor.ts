/** codegen/wasm: the functions that run a list of commands, in one thread or in several.
 *  Guarantees: between two commands there is a barrier when either is divided, so every command sees what the earlier ones wrote;
 *              a command is divided by workgroups alone: any number of threads computes the same bits.
 *  Layouts:    runtime/bundle/wasm.ts. */
import { COMMAND, COMMAND_WORDS, CONTROL } from "../../../runtime/bundle/wasm.js"
import { type Code, get, i32, load, Locals, op, set, store, when, type WasmFunction } from "./code.js"

/** Looks at a word this often before sleeping: about ten microseconds. */
const SPINS = 3000
const SLEEP_NANOSECONDS = 100_000_000
/** Sleeps in one barrier until a thread is given up: a minute. */
const MOST_SLEEPS = 600

const atomic = (address: number): Code => load("i32.atomic.load", i32(address))
const isSet = (address: number): Code => op("i32.ne", atomic(address), i32(0))

/** barrier(thread, threads) -> 1 when a thread has died. */
export function barrierFunction(): WasmFunction {
  const locals = new Locals(2)
  const [opened, spins, sleeps] = [locals.add("i32"), locals.add("i32"), locals.add("i32")] as const
  const moved = op("i32.ne", atomic(CONTROL.opened), get(opened))
  const last = op(
    "i32.eq",
    [i32(CONTROL.arrived), i32(1), ["i32.atomic.rmw.add"]],
    op("i32.sub", get(1), i32(1)),
  )
  const open: Code = [
    store("i32.atomic.store", i32(CONTROL.arrived), i32(0)),
    [i32(CONTROL.opened), i32(1), ["i32.atomic.rmw.add"], ["drop"]],
    when(isSet(CONTROL.sleepers), [i32(CONTROL.opened), i32(-1), ["memory.atomic.notify"], ["drop"]]),
    i32(0),
    ["return"],
  ]
  const sleep: Code = [
    [i32(CONTROL.sleepers), i32(1), ["i32.atomic.rmw.add"], ["drop"]],
    [i32(CONTROL.opened), get(opened), ["i64.const", SLEEP_NANOSECONDS], ["memory.atomic.wait32"], ["drop"]],
    [i32(CONTROL.sleepers), i32(-1), ["i32.atomic.rmw.add"], ["drop"]],
    set(sleeps, op("i32.add", get(sleeps), i32(1))),
    when(op("i32.gt_s", get(sleeps), i32(MOST_SLEEPS)), [i32(1), ["return"]]),
  ]
  const maySleep = op("i32.or", op("i32.ne", get(0), i32(0)), atomic(CONTROL.mayBlock))
  return {
    name: "barrier",
    type: { params: ["i32", "i32"], results: ["i32"] },
    locals: locals.types,
    code: [
      set(opened, atomic(CONTROL.opened)),
      when(last, open),
      ["loop"],
      when(moved, [i32(0), ["return"]]),
      when(isSet(CONTROL.failed), [i32(1), ["return"]]),
      set(spins, op("i32.add", get(spins), i32(1))),
      when(op("i32.and", op("i32.gt_s", get(spins), i32(SPINS)), maySleep), sleep),
      ["br", 0],
      ["end"],
      ["unreachable"],
    ],
  }
}

/** run(commands, count, thread, threads) -> 1 when a thread has died. */
export function runFunction(barrier: (...args: Code[]) => Code): WasmFunction {
  const [COMMANDS, COUNT, THREAD, THREADS] = [0, 1, 2, 3] as const
  const locals = new Locals(4)
  const local = (): number => locals.add("i32")
  const [at, end, kind, divided, before, size, from, to] = Array.from({ length: 8 }, local) as [
    number, number, number, number, number, number, number, number,
  ]
  const word = (n: number): Code => load("i32.load", get(at), 4 * n)
  const meet = when(barrier(get(THREAD), get(THREADS)), [i32(1), ["return"]])
  const several = op("i32.gt_s", get(THREADS), i32(1))
  const call = (first: Code, last: Code): Code => [word(2), word(3), first, last, word(1), ["call_indirect"]]
  const least = (a: Code, b: Code): Code => [a, b, op("i32.lt_s", a, b), ["select", "i32"]]
  const part: Code = [
    set(size, op("i32.div_u", op("i32.add", word(4), op("i32.sub", get(THREADS), i32(1))), get(THREADS))),
    set(from, least(op("i32.mul", get(THREAD), get(size)), word(4))),
    set(to, least(op("i32.add", get(from), get(size)), word(4))),
    call(get(from), get(to)),
  ]
  const whole: Code = [
    op("i32.eq", get(kind), i32(COMMAND.copy)),
    ["if"],
    [word(2), word(1), word(3), ["memory.copy"]],
    ["else"],
    call(i32(0), word(4)),
    ["end"],
  ]
  const step: Code = [
    set(kind, word(0)),
    set(divided, op("i32.and", op("i32.eq", get(kind), i32(COMMAND.split)), several)),
    when(op("i32.or", get(divided), get(before)), meet),
    get(divided),
    ["if"],
    part,
    ["else"],
    when(op("i32.eqz", get(THREAD)), whole),
    ["end"],
    set(before, get(divided)),
    set(at, op("i32.add", get(at), i32(4 * COMMAND_WORDS))),
  ]
  return {
    name: "run",
    type: { params: ["i32", "i32", "i32", "i32"], results: ["i32"] },
    locals: locals.types,
    code: [
      set(at, get(COMMANDS)),
      set(end, op("i32.add", get(COMMANDS), op("i32.mul", get(COUNT), i32(4 * COMMAND_WORDS)))),
      ["loop"],
      when(op("i32.lt_u", get(at), get(end)), [step, ["br", 1]]),
      ["end"],
      when(several, meet),
      i32(0),
    ],
  }
}

/** work(thread): runs jobs as they come. */
export function workFunction(run: (...args: Code[]) => Code): WasmFunction {
  const locals = new Locals(1)
  const [seen, spins] = [locals.add("i32"), locals.add("i32")] as const
  const noJob = op("i32.eq", atomic(CONTROL.job), get(seen))
  const sleep: Code = [i32(CONTROL.job), get(seen), ["i64.const", -1], ["memory.atomic.wait32"], ["drop"]]
  return {
    name: "work",
    type: { params: ["i32"], results: [] },
    locals: locals.types,
    code: [
      ["loop"],
      set(spins, i32(0)),
      ["loop"],
      when(isSet(CONTROL.quit), [["return"]]),
      when(noJob, [
        set(spins, op("i32.add", get(spins), i32(1))),
        when(op("i32.gt_s", get(spins), i32(SPINS)), sleep),
        ["br", 1],
      ]),
      ["end"],
      set(seen, atomic(CONTROL.job)),
      [
        run(
          load("i32.load", i32(CONTROL.commands)),
          load("i32.load", i32(CONTROL.count)),
          get(0),
          load("i32.load", i32(CONTROL.threads)),
        ),
        ["drop"],
      ],
      ["br", 0],
      ["end"],
    ],
  }
}
