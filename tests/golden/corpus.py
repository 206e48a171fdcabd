"""Texts that are hard to cut into tokens."""
import random
import unicodedata

CORPUS = [
    "The user has interacted with items in chronological order.", "don't YOU'LL  I'm  we've",
    "price: 3.14 $1,000,000 x123456789", "a\r\n\r\n  b \n c   \t d", "def f(x):\n    return x ** 2  # code",
    "emoji 👩‍🔬 🇩🇪 👍🏽 done", "你好，世界。日本語のテキスト 한국어", "e\u0301te\u0301 n\u0303 combining \u0300\u0301",
    "zero\u200bwidth nbsp\u00a0thin\u2009space\u3000wide", "ſ K Å ﬁ ẞ İ ı", "    ", "\n\n\n", "",
    "<|begin_of_text|>hi<|eot_id|> <|end_of_text|>", "\u180e mongolian \u2028 line \u0085 next",
    "'S 'Ll x'D 'ſ", "١٢٣٤٥ ⅷ ² ½ 1²3", "https://example.org/a?b=c&d=%20#frag",
]


def byte_texts():
    """Random texts of all kinds of characters, with bytes among them that are no UTF-8."""
    draw = random.Random(17)
    blocks = [(0x20, 0x7F), (0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x600), (0x900, 0xE80), (0x1100, 0x1200),
              (0x2000, 0x2070), (0x2190, 0x2800), (0x3000, 0x3100), (0x4E00, 0x5000), (0xAC00, 0xAD00), (0xFB00, 0xFB50),
              (0xFF00, 0xFFF0), (0x1D400, 0x1D500), (0x1F300, 0x1F700), (0x1F1E6, 0x1F200), (0x20000, 0x20100)]
    broken = [b"\x80", b"\xff", b"\xc3", b"\xe4\xbd", b"\xf0\x9f\x91", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80",
              b"\xe4(\xa0", b"\xf0\x9f(", b"\xfe\xfe"]
    words = ["The ", " item", "don't", "  ", "\t\n", "\r\n\r\n", "1234567890123", " 3.14", "x=1;", "\u200d", "\ufe0f", "e\u0301"]
    texts = []
    while len(texts) < 150:
        text = b""
        for _ in range(draw.randint(1, 8)):
            kind = draw.random()
            if kind < 0.3:
                text += draw.choice(words).encode()
            elif kind < 0.45:
                text += draw.choice(broken)
            else:
                first, last = draw.choice(blocks)
                some = [chr(draw.randrange(first, last)) for _ in range(draw.randint(1, 5))]
                text += "".join(c for c in some if unicodedata.category(c) != "Cn").encode()
        texts.append(text)
    return texts
