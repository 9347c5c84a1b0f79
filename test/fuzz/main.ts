/** `npm run fuzz -- --count N --seed S [--adapters N] [--webgpu N] [--save FOLDER]`: random programs from a seed on, each compiled with
 *  all verifiers, trained for some steps in WebAssembly and every Nth on WebGPU, and compared with the float64 interpreter. Every Nth
 *  is compiled for GPUs too, with subgroups or without. One in eight is large. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Command } from "commander"
import { type Backend, judge } from "./judge.js"
import { type Figures, fuzzOne, LARGE, noFigures, SMALL } from "./run.js"

const { count, seed, adapters, webgpu, save, program } = new Command("fuzz")
  .option("--count <programs>", "how many", Number, 1000)
  .option("--seed <number>", "the first", Number, 1)
  .option(
    "--adapters <every>",
    "every how many a program is compiled for adapters that are not here; 0: none",
    Number,
    4,
  )
  .option("--webgpu <every>", "every how many a program is trained on WebGPU too; 0: none", Number, 10)
  .option("--save <folder>", "where a program for each kind of failure goes, as soon as it is found")
  .option("--program <file>", "judges this program alone, everywhere")
  .parse()
  .opts<{ count: number; seed: number; adapters: number; webgpu: number; save?: string; program?: string }>()

if (program !== undefined) {
  const { refused, failures, vague } = await judge(readFileSync(program, "utf8"), [
    "wasm",
    "gpu",
    "subgroups",
    "webgpu",
  ])
  for (const { code, message } of refused) console.log(`refused: ${code}: ${message}`)
  for (const { kind, message } of failures) console.log(`${kind}\n${message}\n`)
  console.log(`${failures.length} failures${vague ? ", some numbers may be anything" : ""}`)
  process.exit(failures.length > 0 ? 1 : 0)
}

const figures = noFigures()
for (let n = 0; n < count; n++) {
  // By the seed, so that a program of a seed is the same in every run.
  const at = seed + n
  const limits = at % 8 === 3 ? LARGE : SMALL
  const backends: Backend[] = ["wasm"]
  if (adapters > 0 && at % adapters === 0) backends.push((at / adapters) % 2 === 0 ? "gpu" : "subgroups")
  if (webgpu > 0 && at % webgpu === 0) backends.push("webgpu")
  const before = figures.found.size
  await fuzzOne(figures, at, limits, backends)
  const found = [...figures.found.values()]
  for (const f of found.slice(before)) {
    console.log(`\n${f.kind}\nseed ${f.seed}: ${f.message}\n\n${f.text}`)
    if (save !== undefined) keep(save, f)
  }
  if ((n + 1) % 100 === 0) console.log(summary(figures))
}
console.log(summary(figures))
process.exitCode = figures.found.size > 0 ? 1 : 0

function keep(
  folder: string,
  { kind, seed: from, message, text }: { kind: string; seed: number; message: string; text: string },
): void {
  const place = join(folder, kind.replace(/[^\w]+/g, "-").slice(0, 80))
  mkdirSync(place, { recursive: true })
  writeFileSync(join(place, "program.nn"), text)
  writeFileSync(join(place, "README.md"), `${kind}\n\nseed ${from}\n\n${message}\n`)
}

function summary({ programs, accepted, refused, done, vague, found }: Figures): string {
  const list = (counts: Iterable<readonly [string, number]>): string =>
    [...counts].map(([name, n]) => `${name} ${n}`).join(", ") || "none"
  return [
    `${programs} programs, ${accepted} accepted (${((100 * accepted) / Math.max(1, programs)).toFixed(1)} %); refused: ${list(refused)}`,
    `compared or compiled: ${list(done)}; with a number that rounding leaves open: ${vague}`,
    `${found.size} kinds of failure${found.size > 0 ? ":" : ""}`,
    ...[...found.values()].map((f) => `  ${f.times} x ${f.kind} (seed ${f.seed})`),
  ].join("\n")
}
