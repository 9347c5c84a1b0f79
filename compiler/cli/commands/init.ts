/** cli: `nnc init DIR`: a small working program to start from. */
import { Option, type Command } from "commander"
import { existsSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { makeFolders } from "../../../runtime/folders.js"
import { note } from "../console.js"
import { Failure } from "../failure.js"
import { viteTemplate } from "../templates/vite.js"

const PROGRAM = `// Two classes of three points each in the plane, told apart by logistic regression.

data points = array(
  x1: [0.1, 0.2, 0.35, 0.6, 0.75, 0.9],
  x2: [0.5, 0.25, 0.3, 0.8, 0.65, 0.7],
  class: [0, 0, 0, 1, 1, 1]
) {
  x: f32[2] = columns("x1", "x2")
  y: f32[1] = column("class")
}

model Classifier(x: f32[B, 2]) -> f32[B, 1] {
  x |> Linear(1)
}

train on points {
  let logits = Classifier(x)
  minimize bce_with_logits(logits, y) with SGD(lr: 1.0)
  report accuracy = mean(f32((logits > 0) == (y > 0.5)))

  steps 1000, seed 1
  report every 100 steps
}
`

const README = `# A first nnc program

    nnc check program.nn                   # every mistake that can be found without running
    nnc train program.nn                   # trains; checkpoints, a log and report.html go to runs/
    nnc inspect program.nn --after=graph   # what the compiler makes of it, stage by stage
    nnc compile program.nn -o out/         # a folder that trains and predicts without nnc

The loss falls from about 0.7 to below 0.05, and all six points end on the right side.
`

const PLAIN: Readonly<Record<string, string>> = {
  "program.nn": PROGRAM,
  "README.md": README,
  ".gitignore": "runs/\nout/\n",
}

export function addInit(program: Command): void {
  program
    .command("init")
    .description("write a small working program to start from")
    .argument("<folder>", "made when it is not there")
    .addOption(
      new Option("--template <name>", "start from a project of another kind: a page in Vite").choices([
        "vite",
      ]),
    )
    .action((folder: string, { template }: { template?: "vite" }) => {
      const files = template === "vite" ? viteTemplate(PROGRAM) : PLAIN
      const there = Object.keys(files).find((name) => existsSync(join(folder, name)))
      if (there !== undefined)
        throw new Failure("io-folder", `${join(folder, there)} is there already`, "choose another folder")
      for (const [name, text] of Object.entries(files)) {
        makeFolders(dirname(join(folder, name)))
        writeFileSync(join(folder, name), text)
      }
      const next =
        template === "vite"
          ? `cd ${folder} && npm install && npm run dev`
          : `nnc train ${join(folder, "program.nn")}`
      note(`Wrote ${join(folder, template === "vite" ? "src/program.nn" : "program.nn")}. Next: ${next}`)
    })
}
