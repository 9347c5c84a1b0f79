/** bundle: package.json and README.md of a bundle. */
import type { Manifest, PredictSpec } from "../../runtime/bundle/format.js"
import { rowColumns } from "./row-types.js"

export function packageText({ name }: Manifest): string {
  const types = (file: string): object => ({ types: `./${file}.d.ts`, default: `./${file}.js` })
  return `${JSON.stringify(
    {
      name: `${name.toLowerCase().replace(/[^a-z0-9]+/g, "-")}-trainer`.replace(/^-+/, ""),
      version: "1.0.0",
      private: true,
      type: "module",
      exports: {
        ".": { browser: types("trainer.browser"), ...types("trainer") },
        "./manifest.json": "./manifest.json",
      },
      dependencies: { webgpu: "^0.6.2" },
    },
    null,
    2,
  )}\n`
}

/** More columns are not written out. */
const MOST_COLUMNS = 40

export function readmeText({ name, predicts, data, compiler }: Manifest): string {
  const [predict] = predicts
  const example = predict ? predictionText(predict, rowColumns(predict, data)) : ""
  return `# ${name}

A compiled nnc ${compiler} program: it trains, predicts and resumes without the compiler. In Node (20.19 or newer) it needs one
package, \`npm install webgpu\`; in a browser page nothing.

\`\`\`js
import { load } from "./trainer.js"

const trainer = await load()
console.log(trainer.device)
await trainer.train({ onEvent: (event) => console.log(event) })
console.log(await trainer.evaluate())
await trainer.save("model.safetensors")
${example}trainer.close()
\`\`\`

\`await trainer.resume("model.safetensors", { epochs: 200 })\` goes on exactly where that file was saved;
\`await trainer.restore("model.safetensors")\` only takes over its parameters. trainer.d.ts has all types.

\`await trainer.step(rows)\` makes one step over rows that you have, of a stream for instance: objects, or an array for each column.

In a page, import \`./trainer.browser.js\`: there \`save()\` gives the bytes of the file, \`resume\` and \`restore\` take them, and \`train({ store })\`
hands over the checkpoints of the run as they come, for instance to the page's own files:

\`\`\`js
import { load } from "./trainer.browser.js"

const trainer = await load()
await trainer.train({
  store: {
    async save(kind, bytes) {
      const folder = await navigator.storage.getDirectory()
      const file = await folder.getFileHandle(\`\${kind}.safetensors\`, { create: true })
      const writing = await file.createWritable()
      await writing.write(new Uint8Array(bytes))
      await writing.close()
      return file.name
    },
  },
})
\`\`\`

| file | holds |
| --- | --- |
| manifest.json | programs, dispatches, memory, data, and the SHA-256 of every other file |
| kernels/ | one readable WGSL module per kernel, with the lines it comes from; for GPUs, GPUs with subgroups and software adapters |
| data/ | the data the program was compiled with |
| trainer.js, trainer.d.ts | the typed module for Node; trainer.browser.\\* for pages |
| runtime.js, runtime.browser.js | nnc's runtime |
`
}

function predictionText(predict: PredictSpec, columns: ReturnType<typeof rowColumns>): string {
  if (columns === undefined || columns.length > MOST_COLUMNS)
    return `const outputs = await trainer.predict("${predict.model}", { ${inputsText(predict)} })\n`
  const isClass = predict.feeds[0]?.targets?.some(
    ({ output, as }) => output === "output" && as.kind !== "value",
  )
  const cells = columns.map(({ name, type }) => `${JSON.stringify(name)}: ${valueOf(type)}`)
  return `const { output } = await trainer.predict("${predict.model}", [{ ${cells.join(", ")} }])
console.log(output.shape, ${isClass ? "output.classes" : "output.values"})\n`
}

/** The inputs of one row, as the text of an object. */
function inputsText({ inputs }: PredictSpec): string {
  return inputs
    .map(({ name, shape }) => {
      const sizes = shape.map((size) => (typeof size === "number" ? size : 1))
      return `${JSON.stringify(name)}: new Float32Array(${sizes.reduce((a, b) => a * b, 1)})`
    })
    .join(", ")
}

/** A value of a type of `trainer.d.ts`. */
function valueOf(type: string): string {
  if (type.startsWith("number")) return "0"
  if (type.startsWith("string")) return '""'
  return type === "Numbers" ? "[]" : type.split(" | ")[0]!
}
