/** parse: the pages of the `syntax-` codes. */
import type { CodePages, ProgramPages } from "../source/codes.js"

export const syntaxCodes: ProgramPages = {
  "syntax-expected": {
    title: "something else has to stand here",
    explanation: `The message names what may stand at this place, after what, and in which construct.
The grammar of every construct is in the language reference (grammar/language.md).`,
    pytorch:
      "PyTorch declares it as self.by = nn.Parameter(torch.ones(())); a wrong Python line is a SyntaxError.",
    bad: "layer Scale()(x: f32[...]) {\n  param by f32 = ones\n  x * by\n}",
    good: "layer Scale()(x: f32[...]) {\n  param by: f32 = ones\n  x * by\n}",
  },
  "syntax-keyword": {
    title: "a word of the language cannot be declared as a name",
    explanation: `These words are reserved: fn layer model optimizer data train import let var param frozen state return if else
for scan true false none. They may still name an argument (\`test: 0.2\`) or follow a dot. The words of training
settings (batch, steps, seed, ...) are not reserved.`,
    pytorch: "Python keeps its own words (def, class, lambda) in the same way.",
    bad: "fn twice(data: f32) { 2 * data }",
    good: "fn twice(value: f32) { 2 * value }",
  },
  "syntax-bracket": {
    title: "brackets do not match",
    explanation: `Every ( [ { needs its ) ] }. A declaration that starts at the left margin closes whatever is still open
above it, so the message points at the bracket that was left open.`,
    pytorch: "Python says \"'(' was never closed\", or names the line after it.",
    bad: "fn f(x: f32) { exp((x + 1) }",
    good: "fn f(x: f32) { exp((x + 1)) }",
  },
  "syntax-nesting": {
    title: "an expression is nested or chained too deeply",
    explanation: `Brackets may nest 100 deep and a chain of operators or pipes may have 3000 parts. Give the inner parts
names with \`let\`, write a \`fn\`, or use a \`for\`.`,
    pytorch: 'Python stops at 200 nested brackets ("too many nested parentheses").',
    bad: `let deep = ${"(".repeat(101)}1${")".repeat(101)}`,
    good: "let deep = 1",
  },
  "syntax-character": {
    title: "a character that is no part of the language",
    explanation: `Strings are written in double quotes, comments begin with //, "and" is &&, "or" is ||, a matrix product is @.`,
    pytorch: "Python has ~a for the opposite of each truth value; here it is !a.",
    bad: "let name = 1 $ 2",
    good: "let name = 1 + 2",
  },
  "syntax-habit": {
    title: "something is written as in Python, PyTorch or Keras",
    explanation: `The meaning is clear, and the message says how the same is written here; \`nnc check --fix\` changes it.
Comments begin with //, a power is ^, "and", "or" and "not" are && || !, arguments are named with a colon, and
settings of a train section are a word and its value. A body stands in braces, whatever its indentation; a class with
__init__ and forward is a model, whose body is what forward computes; a if c else b is if c { a } else { b }.`,
    pytorch: "optim.SGD(model.parameters(), lr=0.1) is SGD(lr: 0.1) here.",
    bad: "train {\n  minimize mean(Linear(1)(ones([4, 3])) ^ 2) with SGD(lr=0.1)\n  steps 10\n}",
    good: "train {\n  minimize mean(Linear(1)(ones([4, 3])) ^ 2) with SGD(lr: 0.1)\n  steps 10\n}",
  },
  "syntax-word": {
    title: "a word that begins nothing, but is near to one that does",
    explanation: `A declaration begins with fn, layer, model, optimizer, data, train, import or let, and a statement of a body
or of a train section with a word of its own. The rest is read as if the near word stood there; \`nnc check --fix\` puts it in.`,
    pytorch: "Python has no word before a declared value: width = 4.",
    bad: "lte width = 4",
    good: "let width = 4",
  },
  "syntax-floor-division": {
    title: "a number after // is a comment",
    explanation: "`//` begins a comment. The division that rounds down is the function floor_div(a, b).",
    pytorch: "Python writes 7 // 2.",
    bad: "let half = 7 // 2",
    good: "let half = floor_div(7, 2)",
  },
  "syntax-string": {
    title: "a string that is not written correctly",
    explanation: `A string stands on one line, between double quotes. Inside, a backslash starts an escape: \\n \\t \\r \\\\ \\"
and \\u{1F600}. A backslash itself is written \\\\.`,
    pytorch: 'Python strings have the same escapes; there is no r"..." here.',
    bad: 'let path = "C:\\data"',
    good: 'let path = "C:\\\\data"',
  },
  "syntax-number": {
    title: "a number that is too large",
    explanation: "Numbers are read as 64-bit floats, which end near 1.8e308. Tensors of f32 end near 3.4e38.",
    pytorch: "Python reads 1e400 as inf without a word.",
    bad: "let far = 1e400",
    good: "let far = 1e30",
  },
  "syntax-if-value": {
    title: "an `if` that gives a value needs an `else`",
    explanation: `Used as a value, an \`if\` must say what the value is in both cases. As a statement it need not.`,
    pytorch: "Python's a if c else b needs its else too.",
    bad: 'fn f(x: f32, mode: string) { 1 + (if mode == "double" { 2 * x }) }',
    good: 'fn f(x: f32, mode: string) { 1 + (if mode == "double" { 2 * x } else { x }) }',
  },
  "syntax-target": {
    title: "only a name can be given a value",
    explanation: `Tensors are values: nothing changes a part of one in place. \`=\` gives a \`var\` another value and \`<-\` a \`state\`
its next one; to change part of a tensor, compute a new tensor, for instance with \`where\`.`,
    pytorch: "PyTorch changes a tensor in place with x[0] = 1, which autograd does not always allow.",
    bad: "fn f(x: f32[3]) {\n  x[0] = 1\n  x\n}",
    good: "fn f(x: f32[3]) {\n  cat([ones([1]), x[1:]])\n}",
  },
  "syntax-twice": {
    title: "something that can be said once is said twice",
    explanation: "A data declaration has at most one `split`, one `val`, one `test` and one `windows`.",
    pytorch: "sklearn.model_selection.train_test_split shares rows out once per call.",
    bad: 'data d = csv("rows.csv") {\n  x: f32[1] = column("x")\n  split train: 0.8, test: 0.2\n  split train: 0.7, test: 0.3\n}',
    good: 'data d = csv("rows.csv") {\n  x: f32[1] = column("x")\n  split train: 0.8, test: 0.2\n}',
  },
  "syntax-same-line": {
    title: "two statements on one line, and the value of the first is lost",
    explanation: `Statements need no separator, so two expressions side by side are two statements; the value of the first
would be lost. Mostly an operator is missing or misspelled.`,
    pytorch:
      "Python needs a line or a semicolon between two statements, and drops the value of the first silently.",
    bad: "fn f(a: bool, b: bool) { a b }",
    good: "fn f(a: bool, b: bool) { a && b }",
  },
  "syntax-line-start": {
    title: "a line that looks like a continuation but is not",
    explanation: `A line that starts with an operator continues the line above, except when it starts with \`-\`, \`(\` or \`[\`,
which can start a statement. End the line above with the \`-\` instead. Inside ( ) or [ ] a \`-\` does continue.`,
    pytorch: "Python ends a statement at the line's end unless a bracket is open.",
    bad: "fn f(a: f32, b: f32) {\n  let c = a\n    - b\n  c\n}",
    good: "fn f(a: f32, b: f32) {\n  let c = a -\n    b\n  c\n}",
  },
}

/** A file that is no program has no program to show. */
export const fileCodes: CodePages = {
  "syntax-too-large": {
    title: "the file is too long for a program",
    explanation: "Numbers in such amounts are data: put them in a file and read it with csv, npy or idx.",
  },
  "syntax-not-text": {
    title: "the file is not text",
    explanation: `A program is UTF-8 text. Control characters, or bytes that are not UTF-8, mean that this is another kind of
file, or a text saved as UTF-16.`,
  },
}
