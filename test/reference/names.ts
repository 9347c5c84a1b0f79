// Names of a case as names of the language, which has keywords, a standard library, and no dots inside a name.

const KEYWORDS =
  "fn layer model optimizer data train import let var param state return if else for true false none frozen training step epoch seed grad stop_gradient op B R p g"

/** Gives every name of a case one in the program, always the same. */
export class Names {
  private readonly given = new Map<string, string>()
  private readonly taken: Set<string>

  constructor(declared: ReadonlySet<string>) {
    this.taken = new Set([...KEYWORDS.split(" "), ...declared])
  }

  of(name: string): string {
    const known = this.given.get(name)
    if (known !== undefined) return known
    const plain = name.replace(/\W/g, "_").replace(/^(?=\d)/, "_")
    let chosen = plain
    while (this.taken.has(chosen)) chosen += "_"
    this.taken.add(chosen)
    this.given.set(name, chosen)
    return chosen
  }
}
