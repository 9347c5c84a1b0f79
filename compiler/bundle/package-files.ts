/** bundle: package.json and README.md of a bundle. */
import type { Manifest } from "../../runtime/bundle/format.js"
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

export function readmeText({ name, predicts, data, compiler }: Manifest): string {
  const [predict] = predicts
  const isClass = predict?.feeds[0]?.targets?.some(
    ({ output, as }) => output === "output" && as.kind !== "value",
  )
  const columns = predict && rowColumns(predict, data)
  const example =
    predict === undefined
      ? ""
      : columns === undefined
        ? `const outputs = await trainer.predict("${predict.model}", { /* ${predict.feeds[0]?.inputs.map((input) => input.name).join(", ")} */ })\n`
        : `const { output } = await trainer.predict("${predict.model}", [{ ${columns
            .slice(0, 3)
            .map(({ name }) => `${JSON.stringify(name)}: 0`)
            .join(
              ", ",
            )}${columns.length > 3 ? ", ..." : ""} }])\nconsole.log(output.shape, ${isClass ? "output.classes" : "output.values"})\n`
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
const store = {
  async save(kind, bytes) {
    const folder = await navigator.storage.getDirectory()
    const file = await folder.getFileHandle(\`\${kind}.safetensors\`, { create: true })
    const writing = await file.createWritable()
    await writing.write(bytes)
    await writing.close()
    return file.name
  },
}
await trainer.train({ store })
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
