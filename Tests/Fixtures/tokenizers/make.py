#!/usr/bin/env python3
"""Makes the fixtures of the tokenizers with the packages `tokenizers` (0.23.3) and `sentencepiece` (0.2.3).

    make.py texts   writes texts.bin from the repository's documentation as it is, the sentences below and random texts
    make.py         trains a small tokenizer of every shape on those texts and writes what it makes of each of them

texts.bin: each text as its length (32 bits, little-endian) and its UTF-8.
KIND.json, pieces.model: the tokenizers. KIND.bin: for each text four 32-bit digests (FNV-1a over 32-bit words): tokens
with special tokens as text, tokens with special tokens parsed, tokens with the post-processor (parsed, too), and the
text decoded from the parsed tokens without special ones ("added": with them, for `tokenizers` keeps special tokens that
are normalized). A token is (id, start, end) in bytes; the offsets are 0 for the kinds that NO_RANGES names.
pieces.bin: two digests, tokens and decoded text. examples.json: ids in full for a few texts, to look at.
"""

import json
import pathlib
import random
import struct
import sys
import unicodedata

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]

SENTENCES = r"""The quick brown fox jumps over the lazy dog. It's 1,234.56 dollars, isn't it? They'LL say WE'VE won; I'm sure you'd agree.
Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. Straße, Maß, ÄÖÜ!
Voix ambiguë d'un cœur qui, au zéphyr, préfère les jattes de kiwis. L'été n'est pas fini.
El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío; ¿añoraba a su querido cachorro? ¡Sí!
Luís argüia à Júlia que «brações, fé, chá, óxido, pôr, zângão» eram palavras do português.
Quel vituperabile xenofobo zelante assaggia il whisky ed esclama: alleluja! Perché no?
Pchnąć w tę łódź jeża lub ośm skrzyń fig. Zażółć gęślą jaźń.
Příliš žluťoučký kůň úpěl ďábelské ódy.
Árvíztűrő tükörfúrógép. Egy hűtlen vejét fülöncsípő.
Flygande bäckasiner söka hwila på mjuka tuvor. Høj bly gom vandt fræk sexquiz på wc.
Kæmi ný öxi hér, ykist þjófum nú bæði víl og ádrepa.
Съешь же ещё этих мягких французских булок, да выпей чаю. Жебракують філософи при ґанку церкви.
Ξεσκεπάζω την ψυχοφθόρα βδελυγμία. Ταχίστη αλώπηξ βαφής ψημένη γη. ΟΔΟΣ ὀδός
דג סקרן שט בים מאוכזב ולפתע מצא חברה. שָׁלוֹם עֲלֵיכֶם
نص حكيم له سر قاطع وذو شأن عظيم مكتوب على ثوب أخضر ومغلف بجلد أزرق. السَّلَامُ عَلَيْكُم ١٢٣٤٥
روباهی چابک می‌جهد از روی سگی تنبل. ۱۲۳۴۵۶
ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का सर्वनाश। क्षत्रिय ज्ञान १२३४
সকল মানুষ স্বাধীনভাবে সমান মর্যাদা নিয়ে জন্মগ্রহণ করে। ১২৩
யாமறிந்த மொழிகளிலே தமிழ்மொழி போல் இனிதாவது எங்கும் காணோம். கொக்கு
తెలుగు భాష చాలా అందమైనది. ౧౨౩
ಕನ್ನಡ ನಾಡು ನುಡಿ. ೧೨೩
എല്ലാ മനുഷ്യരും തുല്യരായി ജനിക്കുന്നു. അവൻ്റെ
ක්‍රියාව සිංහල අකුරු. ශ්‍රී ලංකා
เป็นมนุษย์สุดประเสริฐเลิศคุณค่า กว่าบรรดาฝูงสัตว์เดรัจฉาน ๑๒๓๔
ທຸກຄົນເກີດມາມີອິດສະຫຼະ. ປະເທດລາວ
လူတိုင်းသည် တူညီလွတ်လပ်သော ဂုဏ်သိက္ခာ။ ၁၂၃
មនុស្សទាំងអស់កើតមកមានសេរីភាព។ ១២៣
བོད་སྐད་ཀྱི་ཡི་གེ། ཀྵ
ყველა ადამიანი იბადება თავისუფალი. ᲧᲕᲔᲚᲐ
Բոլոր մարդիկ ծնվում են ազատ ու հավասար։
ሁሉም ሰው በነፃነት ተወለደ። ፩፪፫
天地玄黃，宇宙洪荒。日月盈昃，辰宿列張。简体中文测试：你好，世界！２０２４年１月。一二三
いろはにほへと ちりぬるを わかよたれそ つねならむ。カタカナ ﾊﾝｶｸ ガ ｶﾞ 第①章 ㍿
키스의 고유조건은 입술끼리 만나야 하고 특별한 기술은 필요치 않다. 각 한글 조합
Con sói nâu nhảy qua con chó lười. Tiếng Việt có dấu: ắ ằ ẳ ẵ ặ.
Pijamalı hasta yağız şoföre çabucak güvendi. İstanbul ıĞdır
Ọ̀rúnmìlà sọ pé ẹ̀kọ́ dára. Hausa: ƙwaƙwalwa
ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ. ꮳꮃꭹ
𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛 𝒙²+𝒚²=𝒛² ½ ⅔ Ⅷ ⁵ ₆ ㊿ 🄌
def main(argv: list[str]) -> int:\n    for i in range(10):\n\t\tprint(f"{i:>3}", end="\\r\\n")\n    return 0x1F  # done
#include <stdio.h>\r\nint main(void) {\r\n    printf("%d\\n", 1<<31); /* 'quoted' */\r\n}\r\n
SELECT * FROM t WHERE a='it''s' AND b>=10.5e-3;\n\n\n-- comment
https://example.org/a/b?c=d&e=%20f#g user.name+tag@example.com C:\\Users\\x
{"instruction": "Translate", "input": "", "output": "Bonjour \\u00e9"}
👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🇩🇪🇫🇷 ❤️‍🔥 5️⃣ 😀😃😄 ☎️ ©®™
e\u0301 o\u0308\u0301 a\u030a\u0323 \u1e69 s\u0323\u0307 \u212b \u2126 \u00c5 A\u030a \ufb01 \ufdfa \u1100\u1161\u11a8 \uac00\u11a8
\u00a0non\u00a0breaking \u3000ideographic\u3000 \u2003em \u200bzero\u200bwidth\ufeff \u2028line\u2029para \u0085nel \u1680ogham
tab\tand  two   three    four\n newline \n\n  \r\n\r\n   end   
<s>hello</s> <unk> [INST] hi [/INST] <<SYS>> <0x41> <0x0A> \u2581under\u2581score \u0120G \u010aC
<|im_start|>system\nYou are helpful.<|im_end|>\n<|im_start|>user\n <|endoftext|> <|eot_id|><|begin_of_text|>
 leading blank
trailing blank 
'S 'T 'RE 'VE 'M 'LL 'D 's't're've'm'll'd '\u017f '\u017ft ''s '''
a'b c's d'  't  're\n's 1's 12'll
1234567890 12 345 6789 1.5 1,000 ٣٤٥ ५६७ 一二 ½¾ x1y22z333 1st 2nd
""".split("\n")

MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<s>", "</s>", "<unk>", "<tool>", "[MASK]", "[DAY]", "word",
         "Word", "<|eot_id|>", "<sep>", "<ctl>", "\u2581\u2581", "  ", "<|im_"]


def unescaped(line):
    return line.encode("latin-1", "backslashreplace").decode("unicode_escape") if "\\" in line else line


def known_scalars():
    """Characters of Unicode 14 at most: newer ones have other properties in older software."""
    assert unicodedata.unidata_version <= "15.0.0"
    return [c for c in range(0x110000)
            if not 0xD800 <= c < 0xE000 and unicodedata.category(chr(c)) != "Cn" and not 0xF0000 <= c]


def make_texts():
    chance = random.Random(20_26)
    sentences = [unescaped(line) for line in SENTENCES]
    texts = [""] + sentences
    for path in sorted((ROOT / "Documentation").glob("*.md")) + [ROOT / "LICENSE"]:
        content = path.read_text()
        for start in range(0, min(len(content), 6000), 400):
            texts.append(content[start:start + 400])
    scalars = known_scalars()
    white = "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2003\u2009\u2028\u2029\u202f\u205f\u3000"
    pools = ["abc XYZ  \n\t\r'’sStTdDlLvVeErRmM 0123456789", "äöüßçñ日本語中文한국어عربى  ", white + " a1.",
             "😀👩🏽🇩🇪❤5\u200d\ufe0f\u20e3 ", "ae\u0301o\u0308\u0323\u0327\u0345\u05b0\u3099カか ",
             "0123456789٣٤५६一½Ⅷ²\U0001d7d9\uff11 .", ".,;:!?()[]{}<>#@/\\|_-=+*&^%$~`\"' \n", "\u1100\u1161\u11a8\uac00각 "]
    for _ in range(1100):
        pool = chance.choice(pools)
        texts.append("".join(chance.choice(pool) for _ in range(chance.randrange(1, 40))))
    for _ in range(600):
        texts.append("".join(chance.choice(chance.choice(pools)) for _ in range(chance.randrange(1, 50))))
    for _ in range(500):
        texts.append("".join(chr(chance.choice(scalars)) for _ in range(chance.randrange(1, 14))))
    for _ in range(300):
        low = [c for c in chance.sample(scalars, 40) if c < 0x3000] or [0x41]
        texts.append("".join(chr(chance.choice(low)) for _ in range(chance.randrange(1, 24))))
    for _ in range(400):
        parts = []
        for _ in range(chance.randrange(1, 7)):
            parts.append(chance.choice(MARKS + [" ", "", "a", "\n", "x ", "é"]))
            if chance.random() < .4:
                words = chance.choice(sentences).split(" ")
                parts.append(chance.choice(words))
        texts.append("".join(parts))
    for _ in range(250):
        line = chance.choice(sentences)
        cut = chance.randrange(0, max(1, len(line)))
        texts.append(line[cut:cut + chance.randrange(1, 40)])
    for line in sentences[:45]:
        texts.append(unicodedata.normalize("NFD", line))
    for character in "a 0\n'é中\U0001f600\u0301\u00a0":
        for count in (2, 3, 7, 64, 250):
            texts.append(character * count)
    with open(HERE / "texts.bin", "wb") as file:
        for text in texts:
            content = text.encode()
            file.write(struct.pack("<I", len(content)) + content)
    print(len(texts), "texts")


def read_texts():
    data = (HERE / "texts.bin").read_bytes()
    texts = []
    place = 0
    while place < len(data):
        size, = struct.unpack_from("<I", data, place)
        texts.append(data[place + 4:place + 4 + size].decode())
        place += 4 + size
    return texts


def digest(words):
    value = 0x811C9DC5
    for word in words:
        for byte in struct.pack("<I", word & 0xFFFFFFFF):
            value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
# Kinds whose normalizer changes characters: our ranges say what was normalized together.
NO_RANGES = {"qwen2", "lower", "added"}


def kinds(corpus):
    from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                            trainers)

    def bytelevel(size=700, specials=(), normalizer=None, split=None, **model):
        tokenizer = Tokenizer(models.BPE(**model))
        if normalizer:
            tokenizer.normalizer = normalizer
        tokenizer.pre_tokenizer = split
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
                                      special_tokens=list(specials), show_progress=False)
        tokenizer.train_from_iterator(corpus, trainer)
        return tokenizer

    def sequence(*steps):
        return pre_tokenizers.Sequence(list(steps))

    level = pre_tokenizers.ByteLevel
    untrimmed = processors.ByteLevel(trim_offsets=False)

    made = bytelevel(specials=["<|endoftext|>"], split=level(add_prefix_space=False, use_regex=True))
    made.post_processor = untrimmed
    yield "gpt2", made

    made = bytelevel(specials=["<|endoftext|>"], split=level(add_prefix_space=True, use_regex=True))
    yield "prefix", made

    made = bytelevel(specials=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
                     split=sequence(pre_tokenizers.Digits(individual_digits=True),
                                    level(add_prefix_space=False, use_regex=True)))
    yield "smollm", made

    made = bytelevel(split=sequence(pre_tokenizers.Split(Regex(CL100K % "{1,3}"), "isolated"),
                                    level(add_prefix_space=False, use_regex=False)), ignore_merges=True)
    made.add_special_tokens(["<|begin_of_text|>", "<|endoftext|>", "<|eot_id|>"])
    begin = made.token_to_id("<|begin_of_text|>")
    made.post_processor = processors.Sequence([untrimmed, processors.TemplateProcessing(
        single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|> $B",
        special_tokens=[("<|begin_of_text|>", begin)])])
    yield "llama3", made

    made = bytelevel(normalizer=normalizers.NFC(),
                     split=sequence(pre_tokenizers.Split(Regex(CL100K % ""), "isolated"),
                                    level(add_prefix_space=False, use_regex=False)))
    made.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    made.add_tokens([AddedToken("<tool>", normalized=False, special=False)])
    yield "qwen2", made

    def pieces(normalizer=None, split=None, fallback=True, size=800, **model):
        model.setdefault("fuse_unk", True)
        tokenizer = Tokenizer(models.BPE(byte_fallback=fallback, unk_token="<unk>", **model))
        if normalizer:
            tokenizer.normalizer = normalizer
        if split:
            tokenizer.pre_tokenizer = split
        byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)] if fallback else []
        trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=["<unk>", "<s>", "</s>"] + byte_tokens,
                                      limit_alphabet=150, max_token_length=12, show_progress=False)
        # Training on words, for whole texts are too long; a blank only begins tokens then.
        tokenizer.train_from_iterator([word for text in corpus for word in text.replace(" ", " \x00").split("\x00")],
                                      trainer)
        plain = json.loads(tokenizer.to_str())
        plain["added_tokens"] = [token for token in plain["added_tokens"] if not token["content"].startswith("<0x")]
        return Tokenizer.from_str(json.dumps(plain))

    blank = "\u2581"
    strip = decoders.Sequence([decoders.Replace(blank, " "), decoders.ByteFallback(), decoders.Fuse(),
                               decoders.Strip(" ", 1, 0)])
    around = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> <s> $B </s>",
                                           special_tokens=[("<s>", 1), ("</s>", 2)])

    made = pieces(normalizer=normalizers.Sequence([normalizers.Prepend(blank), normalizers.Replace(" ", blank)]))
    made.decoder = strip
    made.post_processor = around
    yield "llama2", made

    made = pieces(split=pre_tokenizers.Metaspace(blank, prepend_scheme="first", split=False))
    made.decoder = strip
    yield "metaspace", made

    made = pieces(normalizer=normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace("ll", "L")]),
                  split=pre_tokenizers.Metaspace(blank, prepend_scheme="always", split=True), fallback=False,
                  fuse_unk=False, size=500)
    made.decoder = decoders.Metaspace(blank, prepend_scheme="always", split=True)
    yield "lower", made

    made = pieces(split=sequence(pre_tokenizers.Split(" ", "merged_with_previous"), pre_tokenizers.Digits(False),
                                 pre_tokenizers.Split(".", "removed"), pre_tokenizers.Split("-", "contiguous"),
                                 pre_tokenizers.Split("ab", "merged_with_next"),
                                 pre_tokenizers.Split("e", "isolated", invert=True)), fallback=False, size=500)
    yield "splits", made

    made = bytelevel(normalizer=normalizers.Lowercase(), split=level(add_prefix_space=False, use_regex=True), size=500)
    made.add_special_tokens([AddedToken("<s>", lstrip=True), AddedToken("</s>", rstrip=True), "<|im_start|>",
                             AddedToken("[MASK]", lstrip=True, rstrip=True, normalized=True)])
    made.add_tokens([AddedToken("Word", single_word=True, normalized=True), AddedToken("[DAY]", normalized=False),
                     AddedToken("<|im_", normalized=False), AddedToken("<tool>", normalized=True, lstrip=True),
                     AddedToken("  ", normalized=False), AddedToken("É", normalized=True, single_word=True)])
    yield "added", made


def main():
    texts = read_texts()
    corpus = [text for text in texts[:600] if text]
    examples = {"texts": [place for place in range(len(texts)) if 0 < len(texts[place]) < 60][::60]}
    for name, tokenizer in kinds(corpus):
        plain = json.loads(tokenizer.to_str())
        if name == "prefix":  # as files were written before 2024
            plain["model"]["merges"] = [" ".join(pair) for pair in plain["model"]["merges"]]
        (HERE / f"{name}.json").write_text(json.dumps(plain, ensure_ascii=False, separators=(",", ":")))
        tokenizer = type(tokenizer).from_file(str(HERE / f"{name}.json"))
        ranges = name not in NO_RANGES
        with open(HERE / f"{name}.bin", "wb") as file:
            ids = []
            for text in texts:
                starts = [0]
                for character in text:
                    starts.append(starts[-1] + len(character.encode()))

                def tokens(encoding):
                    return [word for id, (start, end) in zip(encoding.ids, encoding.offsets)
                            for word in ((id, starts[start], starts[end]) if ranges else (id, 0, 0))]

                tokenizer.encode_special_tokens = True
                plain = tokenizer.encode(text, add_special_tokens=False)
                tokenizer.encode_special_tokens = False
                parsed = tokenizer.encode(text, add_special_tokens=False)
                whole = tokenizer.encode(text)
                decoded = tokenizer.decode(parsed.ids, skip_special_tokens=name != "added")
                ids.append(plain.ids)
                file.write(struct.pack("<4I", digest(tokens(plain)), digest(tokens(parsed)), digest(whole.ids),
                                       digest(decoded.encode())))
        examples[name] = [ids[place] for place in examples["texts"]]
        print(name, tokenizer.get_vocab_size(), "tokens", sum(map(len, ids)), "ids")
    make_pieces(texts, corpus, examples)
    (HERE / "examples.json").write_text(json.dumps(examples, separators=(",", ":")))


def make_pieces(texts, corpus, examples):
    """SentencePiece itself: the model and what it makes of the texts."""
    import io
    import sentencepiece

    model = io.BytesIO()
    lines = [line for text in corpus for line in text.split("\n") if line.strip() and len(line) < 2000]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, model_type="bpe", vocab_size=900, byte_fallback=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False, character_coverage=0.98,
        user_defined_symbols=["<sep>", "\u2581\u2581"], control_symbols=["<ctl>"], num_threads=1,
        split_digits=True, minloglevel=2)
    (HERE / "pieces.model").write_bytes(model.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    ids = [processor.encode(text) for text in texts]
    with open(HERE / "pieces.bin", "wb") as file:
        for text, tokens in zip(texts, ids):
            file.write(struct.pack("<2I", digest([word for id in tokens for word in (id, 0, 0)]),
                                   digest(processor.decode(tokens).encode())))
    examples["pieces"] = [ids[place] for place in examples["texts"]]
    print("pieces", processor.vocab_size(), "tokens", sum(map(len, ids)), "ids")


if sys.argv[1:] == ["texts"]:
    make_texts()
else:
    main()
