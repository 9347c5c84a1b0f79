/** cli/init: a language model that continues a text character by character. */
import { guided } from "./template.js"

export const text = guided({
  about: "text, one character after another",
  program: "verse.nn",
  files: () => ({ "verse.nn": PROGRAM, "data/verse.txt": VERSE }),
  commands: [
    ["nnc check verse.nn", "every mistake that can be found without running"],
    ["nnc train verse.nn", "trains; `perplexity` is among how many characters it still wavers"],
    ["nnc compile verse.nn -o out/", "a folder that trains and predicts without nnc"],
  ],
  result:
    "The loss falls from about 3.9 to below 1 on so short a text, which it learns by heart: put a longer one in data/, and hold a part of it back with `split train: 0.9, val: 0.1`.",
})

const PROGRAM = `// verse.nn: which character comes next, by the 32 before it?

let window = 32
let symbols = 48  // room for as many different characters
let width = 48

data verse = text("data/verse.txt") {
  ids: i32[window] = characters |> vocabulary(symbols)
  next: i32[window] = characters(shift: 1) |> vocabulary(symbols)
}

model Writer(ids: i32[B, T]) -> f32[B, T, symbols] {
  let embed = Embedding(symbols, width)
  embed(ids) |> GRU(width) |> Linear(symbols)
}

train on verse {
  let scores = Writer(ids)
  minimize cross_entropy(scores, next, axis: -1) with AdamW(lr: 5e-3)
  report perplexity = perplexity(cross_entropy(scores, next, axis: -1))
  clip_norm 1

  batch 16, shuffle, epochs 60, seed 1
  report every 10 epochs
}
`

/** Lewis Carroll, "Jabberwocky", 1871. */
const VERSE = `'Twas brillig, and the slithy toves
Did gyre and gimble in the wabe:
All mimsy were the borogoves,
And the mome raths outgrabe.

"Beware the Jabberwock, my son!
The jaws that bite, the claws that catch!
Beware the Jubjub bird, and shun
The frumious Bandersnatch!"

He took his vorpal sword in hand;
Long time the manxome foe he sought--
So rested he by the Tumtum tree
And stood awhile in thought.

And, as in uffish thought he stood,
The Jabberwock, with eyes of flame,
Came whiffling through the tulgey wood,
And burbled as it came!

One, two! One, two! And through and through
The vorpal blade went snicker-snack!
He left it dead, and with its head
He went galumphing back.

"And hast thou slain the Jabberwock?
Come to my arms, my beamish boy!
O frabjous day! Callooh! Callay!"
He chortled in his joy.

'Twas brillig, and the slithy toves
Did gyre and gimble in the wabe:
All mimsy were the borogoves,
And the mome raths outgrabe.
`
