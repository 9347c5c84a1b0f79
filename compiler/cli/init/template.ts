/** cli/init: the type of a template, and generated numbers for its data: the same every time, small enough to read. */

export interface Template {
  /** For `--help` and the README. */
  readonly about: string
  /** By path within the folder. */
  readonly files: () => Files
  /** The program to begin with. */
  readonly program: string
  /** The command to begin with; left out: `nnc train` of the program. */
  readonly next?: (folder: string) => string
}
export type Files = Readonly<Record<string, string | Uint8Array>>

/** The contents of a README. */
interface Guide {
  readonly about: string
  /** The commands to run, with their effects. */
  readonly commands: readonly (readonly [command: string, does: string])[]
  /** The result to expect. */
  readonly result: string
}

/** A template of programs, with a README. */
export const guided = ({
  program,
  files,
  ...guide
}: Guide & Pick<Template, "program" | "files">): Template => ({
  about: guide.about,
  program,
  files: () => ({ ...files(), "README.md": readme(guide), ".gitignore": "runs/\nsweeps/\nout/\n" }),
})

function readme({ about, commands, result }: Guide): string {
  const width = Math.max(...commands.map(([command]) => command.length))
  const lines = commands.map(([command, does]) => `    ${command.padEnd(width)}   # ${does}`)
  return `# ${about[0]!.toUpperCase()}${about.slice(1)}

In this folder:

${lines.join("\n")}

${result}
`
}

/** Numbers from 0 up to 1, and normal ones: mulberry32. */
export function randomNumbers(seed: number): { readonly even: () => number; readonly normal: () => number } {
  let state = seed
  const even = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - even())) * Math.cos(2 * Math.PI * even())
  return { even, normal }
}

export const csv = (columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [columns, ...rows].map((row) => `${row.join(",")}\n`).join("")
