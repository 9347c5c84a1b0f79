/** check/data: words of `data` declarations that people bring from pandas, scikit-learn, PyTorch and Keras, and how the same is written here.
 *  Not here:   words of the rest of a program (source/habits.ts). */
import { words } from "../../source/habits.js"

/** Sources of data under other names: `pd.read_csv`, `np.load`, `ImageFolder`. */
export const SOURCE_HABITS = words<string>({
  read_csv: "csv",
  csv_dataset: "csv",
  read_table: "tsv",
  read_json: "json",
  read_jsonl: "jsonl",
  load_json: "json",
  read_parquet: "parquet",
  read_text: "text",
  open: "text",
  load: "npy",
  loadtxt: "csv",
  genfromtxt: "csv",
  load_npz: "npz",
  ImageFolder: "images",
  image_folder: "images",
  image_dataset_from_directory: "images",
  from_tensor_slices: "array",
  TensorDataset: "array",
})

/** Stages of fields under other names, mostly those of scikit-learn and pandas. */
export const STAGE_HABITS = words<string>({
  normalize: "standardize",
  normalise: "standardize",
  standardise: "standardize",
  StandardScaler: "standardize",
  standard_scaler: "standardize",
  zscore: "standardize",
  z_score: "standardize",
  MinMaxScaler: "minmax",
  min_max: "minmax",
  rescale: "minmax",
  OneHotEncoder: "one_hot",
  onehot: "one_hot",
  to_categorical: "one_hot",
  get_dummies: "one_hot",
  LabelEncoder: "categories",
  label_encode: "categories",
  factorize: "categories",
  category: "categories",
  labels: "classes",
  fillna: "fill",
  impute: "fill",
  SimpleImputer: "fill",
  isna: "missing",
  clamp: "clip",
  tokenize: "tokens",
  char_to_index: "vocabulary",
  vocab: "vocabulary",
  qcut: "bins",
  KBinsDiscretizer: "bins",
  to_datetime: "date",
})

/** Arguments in `data` under other names. */
export const DATA_ARGUMENT_HABITS = words<string>({
  sep: "delimiter",
  separator: "delimiter",
  delim: "delimiter",
  exclude: "except",
  drop: "except",
  without: "except",
  step: "stride",
})

/** Arguments that nothing in `data` takes. */
export const DATA_ARGUMENT_ADVICE = words<string>({
  header: "the first line of a file has the names of its columns",
  names: "the first line of a file has the names of its columns",
  columns: 'a field takes its columns: `x: f32[2] = columns("a", "b")`',
  usecols: 'a field takes its columns: `x: f32[2] = columns("a", "b")`',
  target: 'the target is a field: `y: f32[1] = column("label")`',
  shuffle: "rows are shared out in a random order; `shuffle` in `train` draws them anew in each epoch",
  random_state: "the order depends on `seed: 1`",
  dtype: "the type of a field says it: `x: f32[3]`",
  batch_size: "`batch 64` in `train` says it",
})

/** Shares of a split under other names. */
export const SPLIT_HABITS = words<string>({
  training: "train",
  train_size: "train",
  validation: "val",
  valid: "val",
  dev: "val",
  val_size: "val",
  validation_split: "val",
  testing: "test",
  test_size: "test",
  holdout: "test",
  random_state: "seed",
  random_seed: "seed",
  k: "folds",
  n_splits: "folds",
  kfold: "folds",
  stratified: "stratify",
  groups: "group",
})
