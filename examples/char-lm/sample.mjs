// Lets a trained model of characters write, char-lm's or gru-text's: node sample.mjs BUNDLE CHECKPOINT [PROMPT] [LENGTH] [TEMPERATURE]
//
// BUNDLE is what `nnc compile` wrote; nothing else of nnc is needed. CHECKPOINT is a run folder or a .safetensors file.

import { resolve } from "node:path"
import { pathToFileURL } from "node:url"

const [bundle, checkpoint, prompt = "\n", length = "400", temperature = "0.8"] = process.argv.slice(2)
if (bundle === undefined || checkpoint === undefined) {
  console.error("usage: node sample.mjs BUNDLE CHECKPOINT [PROMPT] [LENGTH] [TEMPERATURE]")
  process.exit(2)
}
const nnc = await import(pathToFileURL(resolve(bundle, "runtime.js")).href)
const trainer = await nnc.loadBundle(bundle)
try {
  await trainer.load(checkpoint)
  const { data, predicts } = trainer.bundle.manifest
  const [window] = data[0].fields.find(({ name }) => name === "ids").shape
  const vocabulary = nnc.vocabularyOf(data[0])
  const text = [...nnc.encodeText(vocabulary, prompt)]
  process.stdout.write(prompt)
  for (let i = 0; i < Number(length); i++) {
    const next = draw(await scoresOfNext(predicts[0].model, text.slice(-window), window))
    text.push(next)
    process.stdout.write(nnc.decodeText(vocabulary, [next]))
  }
  process.stdout.write("\n")
} finally {
  trainer.close()
}

/** The scores of every character to follow. No position sees a later one, so what fills up the window does not matter. */
async function scoresOfNext(model, recent, window) {
  const ids = new Int32Array(window)
  ids.set(recent)
  const { output } = await trainer.predict(model, { ids })
  const characters = output.values.length / window
  const from = (recent.length - 1) * characters
  return output.values.subarray(from, from + characters)
}

/** One index, with probability in proportion to e^(score / temperature). */
function draw(scores) {
  const top = Math.max(...scores)
  const weights = Array.from(scores, (score) => Math.exp((score - top) / Number(temperature)))
  let left = Math.random() * weights.reduce((sum, weight) => sum + weight, 0)
  return Math.max(
    0,
    weights.findIndex((weight) => (left -= weight) < 0),
  )
}
