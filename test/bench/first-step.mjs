// bench: the time from source text to the first completed step, in a fresh process, with the built library:
// `node test/bench/first-step.mjs webgpu|wasm W3`. Loading the library itself is told apart. Plain JavaScript, as tsx would be
// in the way.

const [device, workload] = process.argv.slice(2)
if ((device !== "webgpu" && device !== "wasm") || workload === undefined)
  throw new Error("usage: first-step.mjs webgpu|wasm WORKLOAD")

const started = performance.now()
const { compileFile } = await import("../../dist/compiler/cli/compile-file.js")
const { DEFAULT_TARGET, SOFTWARE_TARGET, WASM_TARGET } = await import("../../dist/compiler/targets/index.js")
const { openBundle, probeNodeDevice } = await import("../../dist/runtime/node.js")
const folder = new URL(".", import.meta.url).pathname

const began = performance.now()
const target =
  device === "wasm" ? WASM_TARGET : (await probeNodeDevice()).software ? SOFTWARE_TARGET : DEFAULT_TARGET
const probed = performance.now()
/** @type {Record<string, number>} */
const stages = {}
const { bundle } = compileFile(`${folder}${workload.toLowerCase()}.nn`, {
  target,
  devices: [device],
  hooks: { time: (stage, ms) => void (stages[stage] = (stages[stage] ?? 0) + ms) },
})
if (bundle === undefined) throw new Error(`${workload} compiles to nothing`)
const compiled = performance.now()
const trainer = await openBundle(bundle, folder, { device })
const opened = performance.now()
await trainer.train({ steps: 1 })
const stepped = performance.now()
trainer.close()

console.log(
  JSON.stringify({
    first_step_ms: round(stepped - began),
    first_step_parts_ms: {
      probe: round(probed - began),
      compile: round(compiled - probed),
      open: round(opened - compiled),
      step: round(stepped - opened),
    },
    load_library_ms: round(began - started),
    stages_ms: Object.fromEntries(Object.entries(stages).map(([name, ms]) => [name, round(ms)])),
  }),
)

/** @param {number} ms */
function round(ms) {
  return Math.round(ms * 10) / 10
}
