/** cli: `nnc init DIR`: a small working program to start from, with data. */
import { type Command, Option } from "commander"
import { existsSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { makeFolders } from "../../../runtime/folders.js"
import { note } from "../console.js"
import { Failure } from "../failure.js"
import { type TemplateName, TEMPLATES } from "../init/index.js"
import type { Template } from "../init/template.js"

export function addInit(program: Command): void {
  const names = Object.keys(TEMPLATES)
  const about = Object.entries(TEMPLATES).map(([name, template]) => `${name} (${template.about})`)
  program
    .command("init")
    .description("write a small working program to start from, with data")
    .argument("<folder>", "made when it is not there")
    .addOption(
      new Option("--template <name>", `what it is about: ${about.join(", ")}`)
        .choices(names)
        .default("points" satisfies TemplateName),
    )
    .action((folder: string, { template: name }: { template: TemplateName }) => {
      const template: Template = TEMPLATES[name]
      const files = template.files()
      const there = Object.keys(files).find((path) => existsSync(join(folder, path)))
      if (there !== undefined)
        throw new Failure("io-folder", `${join(folder, there)} is there already`, "choose another folder")
      for (const [path, content] of Object.entries(files)) {
        makeFolders(dirname(join(folder, path)))
        writeFileSync(join(folder, path), content)
      }
      const written = join(folder, template.program)
      const next = template.next?.(folder) ?? `nnc train ${written}`
      note(`Wrote ${written}. Next: ${next}; ${join(folder, "README.md")} says more`)
    })
}
