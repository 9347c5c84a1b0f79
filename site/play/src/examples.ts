/** play: programs one click away, with their data. */
import boston from "../../../examples/boston/boston.nn?raw"
import cancer from "../../../examples/cancer/cancer.nn?raw"
import charLm from "../../../examples/char-lm/char-lm.nn?raw"
import churn from "../../../examples/churn/churn.nn?raw"
import digits from "../../../examples/digits/digits.nn?raw"
import gan from "../../../examples/gan/gan.nn?raw"
import vae from "../../../examples/vae/vae.nn?raw"
import xor from "../../../examples/xor/xor.nn?raw"
import sine from "../programs/sine.nn?raw"
import spirals from "../programs/spirals.nn?raw"

export interface Example {
  readonly id: string
  readonly title: string
  readonly text: string
  /** Files by their paths in the program: a URL, or a function that makes the text. */
  readonly files: Readonly<Record<string, string | (() => string)>>
}

const DIGITS = new URL("../../../examples/digits/data/digits_8x8.csv", import.meta.url).href

export const EXAMPLES: readonly Example[] = [
  { id: "spirals", title: "Two spirals", text: spirals, files: { "spirals.csv": spiralRows } },
  {
    id: "xor",
    title: "Exclusive or",
    text: xor,
    files: { "data/xor.csv": () => "x1,x2,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n" },
  },
  { id: "sine", title: "A curve through points", text: sine, files: { "sine.csv": sineRows } },
  { id: "digits", title: "Handwritten digits (CNN)", text: digits, files: { "data/digits_8x8.csv": DIGITS } },
  {
    id: "cancer",
    title: "Tumours (table)",
    text: cancer,
    files: {
      "data/breast_cancer_wisconsin.csv": new URL(
        "../../../examples/cancer/data/breast_cancer_wisconsin.csv",
        import.meta.url,
      ).href,
    },
  },
  {
    id: "boston",
    title: "House prices (regression)",
    text: boston,
    files: {
      "data/boston_housing.csv": new URL("../../../examples/boston/data/boston_housing.csv", import.meta.url)
        .href,
    },
  },
  {
    id: "churn",
    title: "Customers (mixed columns)",
    text: churn,
    files: {
      "data/customers.csv": new URL("../../../examples/churn/data/customers.csv", import.meta.url).href,
    },
  },
  { id: "gan", title: "Drawing digits (GAN)", text: gan, files: { "../digits/data/digits_8x8.csv": DIGITS } },
  {
    id: "vae",
    title: "Digits as a plane (VAE)",
    text: vae,
    files: { "../digits/data/digits_8x8.csv": DIGITS },
  },
  {
    id: "char-lm",
    title: "Writing text (transformer)",
    text: charLm,
    files: {
      "data/devils_dictionary.txt": new URL(
        "../../../examples/char-lm/data/devils_dictionary.txt",
        import.meta.url,
      ).href,
    },
  },
]

/** The files of an example, brought. */
export async function filesOf({ files }: Example): Promise<Map<string, Blob>> {
  const brought = Object.entries(files).map(async ([path, from]): Promise<[string, Blob]> => {
    if (typeof from === "function") return [path, new Blob([from()])]
    const response = await fetch(from)
    if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`)
    return [path, await response.blob()]
  })
  return new Map(await Promise.all(brought))
}

/** The same numbers every time. */
function randoms(seed: number): () => number {
  let state = seed
  return () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), state / 4294967296)
}

function spiralRows(): string {
  const random = randoms(3)
  const rows = Array.from({ length: 400 }, (_, i) => {
    const arm = i % 2
    const turn = Math.sqrt(random()) * 3 * Math.PI
    const at = (angle: number): string => (turn * angle * 0.32 + (random() - 0.5) * 0.5).toFixed(3)
    return `${at(Math.cos(turn + arm * Math.PI))},${at(Math.sin(turn + arm * Math.PI))},${arm}`
  })
  return `x1,x2,arm\n${rows.join("\n")}\n`
}

function sineRows(): string {
  const random = randoms(5)
  const rows = Array.from({ length: 160 }, () => {
    const x = random() * 8 - 4
    const noise = random() + random() + random() - 1.5
    return `${x.toFixed(3)},${(Math.sin(1.4 * x) + 0.25 * x + 0.3 * noise).toFixed(3)}`
  })
  return `x,y\n${rows.join("\n")}\n`
}
