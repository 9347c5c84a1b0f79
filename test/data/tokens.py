"""Writes tokens.json beside it: small tokenizers, and what the Python package `tokenizers` makes of texts. Run by hand."""
import json
from pathlib import Path
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = [
    "The kettle is not leaking, and the lid is sturdy.", "I don't find the handle reliable!", "Ångström, café and naïve Straße: 3.14 or 2,718?",
    "Unreliable, carelessly finished; overpriced.", "日本語 text with 漢字 and emoji 🙂🙂", "really really well made", "print(x + 1)\n\treturn y",
] * 3
TEXTS = CORPUS[:7] + ["", "a", "two  spaces", "unseen wörds: zyzzyva 🚲 ЖЖ", "[CLS] in the text <s> too", "x" * 120, ("The kettle is " * 9).strip()]

def wordpiece():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=150, show_progress=False,
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"]))
    t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return t, {}

def byte_level():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=330, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=["<|endoftext|>"]))
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    t.decoder = decoders.ByteLevel()
    return t, {}

def roberta():
    t, _ = byte_level()
    t.add_special_tokens(["<s>", "</s>", "<pad>"])
    t.post_processor = processors.RobertaProcessing(("</s>", t.token_to_id("</s>")), ("<s>", t.token_to_id("<s>")))
    return t, {"direction": "left", "pad_id": t.token_to_id("<pad>"), "pad_token": "<pad>", "cut": "left"}

def metaspace():
    t = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    t.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=220, show_progress=False,
        special_tokens=["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]))
    t.post_processor = processors.TemplateProcessing(single="<s> $A", pair=None, special_tokens=[("<s>", 1)])
    return t, {}

def unigram():
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    t.train_from_iterator(CORPUS, trainers.UnigramTrainer(vocab_size=120, show_progress=False,
        special_tokens=["<unk>", "<pad>"], unk_token="<unk>"))
    return t, {}

cases = []
for make in [wordpiece, byte_level, roberta, metaspace, unigram]:
    t, how = make()
    pad = how.get("pad_id", next((t.token_to_id(p) for p in ["[PAD]", "<pad>"] if t.token_to_id(p) is not None), 0))
    stored = Tokenizer.from_str(t.to_str())
    if how:
        stored.enable_padding(direction=how["direction"], pad_id=how["pad_id"], pad_token=how["pad_token"])
        stored.enable_truncation(8, direction=how["cut"])
    rows = []
    for length in [6, 40]:
        t.enable_padding(length=length, direction=how.get("direction", "right"), pad_id=pad)
        t.enable_truncation(length, direction=how.get("cut", "right"))
        rows.append({"length": length, "texts": [{"ids": e.ids, "mask": e.attention_mask} for e in map(t.encode, TEXTS)]})
    cases.append({"name": make.__name__, "tokenizer": json.loads(stored.to_str()), "rows": rows})
Path(__file__).with_name("tokens.json").write_text(json.dumps({"texts": TEXTS, "cases": cases}, ensure_ascii=False) + "\n")
