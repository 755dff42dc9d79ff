"""Japanese: numbers in kanji, and no spaces but those between segmented words.

Numbers are put into the text as a writer would put them there (3人 -> 三人, 2億5千万 ->
二億五千万), so that the segmenter finds the words that have a number in them: 三人 is
two words, but 一人 and 一日 are one each.
"""

from __future__ import annotations

import re
from re import Match
from string import ascii_letters

from fairseq_mlkd.text.language import Language, Unit, Wiki, powers, rule, table
from fairseq_mlkd.text.spoken.japanese import JAPANESE, split_words
from fairseq_mlkd.text.spoken.roman import ROMAN

_CURRENCIES = {
    **dict.fromkeys(("$", "US$", "USD"), "ドル"),
    **dict.fromkeys(("€", "EUR"), "ユーロ"),
    **dict.fromkeys(("£", "GBP"), "ポンド"),
    **dict.fromkeys(("¥", "JPY"), "円"),
    **table(
        "C$ = カナダドル; A$ = オーストラリアドル; AU$ = オーストラリアドル; "
        "HK$ = 香港ドル; NT$ = 台湾ドル; NZ$ = ニュージーランドドル; "
        "S$ = シンガポールドル; ₩ = ウォン; ₹ = ルピー; ₽ = ルーブル; "
        "CHF = スイスフラン; CNY = 元; RMB = 元"
    ),
}
_UNITS = {
    **table(
        "% = パーセント; ¢ = セント; ‰ = パーミル; ° = 度; °C = 度; °F = 度; "
        "nm = ナノメートル"
    ),
    **dict.fromkeys(("μm", "µm"), "マイクロメートル"),
    **table(
        "mm = ミリメートル; cm = センチメートル; m = メートル; "
        "km = キロメートル; m/s = メートル毎秒; m/s² = メートル毎秒毎秒; "
        "km/h = キロメートル毎時; cm² = 平方センチメートル; "
        "m² = 平方メートル; km² = 平方キロメートル; "
        "cm³ = 立方センチメートル; m³ = 立方メートル; ha = ヘクタール; "
        "mi = マイル; ft = フィート; mg = ミリグラム; g = グラム; "
        "kg = キログラム; t = トン; lb = ポンド; ml = ミリリットル; "
        "mL = ミリリットル; dl = デシリットル; dL = デシリットル; "
        "km/s = キロメートル毎秒; m³/s = 立方メートル毎秒; km³ = 立方キロメートル; "
        "mm² = 平方ミリメートル; mm³ = 立方ミリメートル"
    ),
    **dict.fromkeys(("l", "L"), "リットル"),
    **table(
        "Hz = ヘルツ; kHz = キロヘルツ; MHz = メガヘルツ; GHz = ギガヘルツ; "
        "V = ボルト; kV = キロボルト; W = ワット; kW = キロワット; "
        "MW = メガワット; GW = ギガワット; kWh = キロワット時; mA = ミリアンペア; "
        "mAh = ミリアンペア時; hPa = ヘクトパスカル; kPa = キロパスカル; "
        "MPa = メガパスカル; dB = デシベル; kcal = キロカロリー; "
        "KB = キロバイト; MB = メガバイト; GB = ギガバイト; TB = テラバイト; "
        "kbps = キロビット毎秒; Mbps = メガビット毎秒; Gbps = ギガビット毎秒"
    ),
}
# As they look when they have been folded, longer ones first.
_AFTER_KANJI = {
    name.replace("²", f"{mark}2").replace("³", f"{mark}3"): _UNITS[name]
    for name in sorted(_UNITS, key=len, reverse=True)
    for mark in ("^", "")
} | _CURRENCIES
_SYMBOLS = table(
    "& = アンド; + = プラス; ± = プラスマイナス; × = かける; @ = アットマーク"
)
# What stands before numbers that are names: Latin letters, the ends of street names.
_BEFORE_NAMES = {*ascii_letters, "町", "目", "字"}
# Punctuation that keeps words apart while the spaces around what is read are closed up.
_DOT = "・"


def _read_digits(match: Match[str]) -> str:
    return f"{_DOT}{LANGUAGE.digits(re.sub('[^0-9]', '', match.group()))}{_DOT}"


def _read_money(match: Match[str]) -> str:
    return f"{match.group('number')}{_CURRENCIES[match.group('sign')]}"


_BEFORE_LENGTHS = re.compile(
    "(?:タイム|記録|長さ|演奏時間|収録時間|再生時間)[はがの]?\\Z"
)


def _read_clock(match: Match[str]) -> str:
    hour, minute, second, half_day = match.groups("")
    if int(hour) > 29:  # the last hours of a broadcasting day
        return match.group().replace(":", _DOT)
    before = match.string[max(match.start() - 6, 0) : match.start()]
    if _BEFORE_LENGTHS.search(before):
        if second:
            return f"{int(hour)}時間{int(minute)}分{int(second)}秒"
        return f"{int(hour)}分{int(minute)}秒"
    words = f"{int(hour)}時"
    if half_day:
        words = ("午前" if half_day in "Aa" else "午後") + words
    if int(minute) or second:
        words += f"{int(minute)}分"
    return f"{words}{int(second)}秒" if second else words


def _read_date(match: Match[str]) -> str:
    year, _, month, day = match.groups()
    return f"{year}年{int(month)}月{int(day)}日"


def _read_month_and_day(match: Match[str]) -> str:
    return f"{int(match[1])}月{int(match[2])}日"


def _read_half_day(match: Match[str]) -> str:
    half_day = "午前" if (match["half"] or match["am"]) in "Aa" else "午後"
    return f"{half_day}{match['hour']}時" if match["hour"] else half_day


def _read_roman(match: Match[str]) -> str | None:
    number = ROMAN.get(match.group())
    return None if number is None else str(number)


def _read_fraction(match: Match[str]) -> str:
    """Read 1/100; what might be a day of the month is left to the tables."""
    upper, lower = match.groups()
    return f"{lower}分の{upper}" if int(lower) > 31 else match.group()


def _read_angle(match: Match[str]) -> str:
    degrees, minutes, seconds = match.groups()
    words = f"{degrees}度{int(minutes)}分"
    return f"{words}{seconds}秒" if seconds else words


def _read_pair(match: Match[str]) -> str:
    """Read a range, a game's score, or two numbers of a name (A300-600) or address."""
    first, last = match.groups()
    before = match.string[match.start() - 1 : match.start()]
    if before in _BEFORE_NAMES or int(first) >= max(int(last), 100):
        return f"{first}{_DOT}{last}"
    return f"{first}{'から' if int(first) < int(last) else '対'}{last}"


_RULES = [
    # Numbers and what they count stand together: 3 人, 第 5 回.
    rule(rf" (?<=\d )(?={JAPANESE})| (?<={JAPANESE} )(?=\d)", lambda match: ""),
    rule(
        rf"([万億兆千]) ?({'|'.join(map(re.escape, _AFTER_KANJI))})(?![A-Za-z0-9^])",
        lambda match: f"{match[1]}{_AFTER_KANJI[match[2]]}",
    ),
    # A change of script ends a unit as a space does: 10kmの.
    rule(
        rf"(?:[A-Za-z](?:\^?[23])?|[$€£¥₩₹₽¢‰])(?={JAPANESE})|{JAPANESE}(?=[A-Za-z№])",
        lambda match: f"{match[0]}{_DOT}",
    ),
    rule(
        r"(\d{4})(?<!\d\d{4})([-/.])(0?[1-9]|1[0-2])\2([12]\d|3[01]|0?[1-9])(?![\d-])",
        _read_date,
    ),
    # The time of a race: 1:23.45.
    rule(
        r"(\d(?<![\d.,:/]\d)\d?):([0-5]\d)\.(\d{1,3})(?![\d:.])",
        lambda match: f"{int(match[1])}分{int(match[2])}秒{_DOT}{match[3]}",
        ":",
    ),
    rule(
        r"(\d(?<![\d.,:/]\d)\d?):([0-5]\d)"
        r"(?::([0-5]\d))?(?![\d:]|\.\d)(?: ?([AaPp])\.?[Mm]\b\.?)?",
        _read_clock,
    ),
    rule(
        r"(?<![\d.,:/-])(0?[1-9]|1[0-2])/(3[01]|[12]\d|0?[1-9])"
        r"(?=\([月火水木金土日]\)|[月火水木金土日]曜)",
        _read_month_and_day,
        "/",
    ),
    rule(
        r"([1-9](?<![\dA-Za-z.,:/-][1-9]))/(\d{2,9})(?![\d/]|[.,]\d)",
        _read_fraction,
        "/",
    ),
    rule(
        r"(\d+(?:\.\d+)?)° ?([0-5]?\d)['′](?: ?([0-5]?\d(?:\.\d+)?)[\"″])?",
        _read_angle,
        "°",
    ),
    rule(
        r"(?:-|マイナス)?(\d[\d,.]*(?:から(?:マイナス)?\d[\d.]*)?) ?°F(?![A-Za-z])",
        lambda match: f"華氏{'マイナス' * (match[0][0] in '-マ')}{match[1]}度",
        "°F",
    ),
    rule(
        r"=(?<=[\w)]=)(?=[-$€£¥]?\d)|=(?<=[\w)] =)(?= [-$€£¥]?\d)",
        lambda match: f"{_DOT}イコール",
        "=",
    ),
    rule(r"0(?<=[年月時]0)(?=\d[月日分])", lambda match: ""),
    rule(
        r"-(?<=[年月日時分]-)(?=[\d午翌同])"
        r"| - (?<=[年月日時分)] - )"
        r"(?=\d{1,4}[年月日時分:]|[午翌同]|現在|[一-龠]{2}(?:\d{1,2}|元)年)",
        lambda match: "から",
    ),
    rule(r"-(?<=[ぁ-ゟ約温差低高値]-)(?=\d)", lambda match: "マイナス"),
    rule(
        r"(\d(?<![\d.,:/-]\d)(?<!0(?=\d))\d{0,8}) ?- ?(\d{1,9})"
        r"(?!\d| ?[-.,:/]\d)",
        _read_pair,
    ),
    rule(
        r"(?P<sign>US\$|[$€£¥₩]) ?(?P<number>(?:\d[\d,.]*[百千]?[万億兆])+\d*)",
        _read_money,
    ),
]

_SIGN = r"(?:US\$|[$€£¥₩]) ?"
_AMOUNT = r"\d[\d,.]*(?:[百千]?[万億兆]\d*)*"
_TITLES = table(
    "Mr = ミスター; Mrs = ミセス; Ms = ミズ; Dr = ドクター; Jr = ジュニア; "
    "vs = バーサス"
)
_COMPANIES = table("㈱ = 株式会社; (株) = 株式会社; ㈲ = 有限会社")
_LETTER_RULES = [
    # Typists take the sign of a long vowel for a hyphen: 10ー20人.
    rule(r"ー(?<=\dー)(?=\d)", lambda match: "-", "ー"),
    # Telephone numbers and postcodes.
    rule(
        r"(?:\(?0(?<![\d.,-]0)(?<![\d.,-]\(0)\d{1,4}(?:-|\) ?|\()\d{1,4}[-)]|"
        r"\d{3}(?:(?<=[〒号]\d{3})|(?<=[〒号] \d{3})|(?<=号は\d{3}))-)\d{4}(?!\d)",
        _read_digits,
        ("-", ")"),
    ),
    rule(
        "|".join(map(re.escape, _COMPANIES)),
        lambda match: f"{_DOT}{_COMPANIES[match[0]]}{_DOT}",
        tuple(_COMPANIES),
    ),
    rule(
        rf"(?<![A-Za-z.])({'|'.join(_TITLES)})\.(?!\w\.)",
        lambda match: f"{_DOT}{_TITLES[match[1]]}{_DOT}",
        tuple(f"{title}." for title in _TITLES),
    ),
    # ルイXIV世, 第II部; a single letter may be a letter: V型, X世代.
    rule(
        r"(?<=第)[IVX]+(?![A-Za-z])|(?<![A-Za-z])(?:[IVX]+(?=世(?!代)|[章巻期種類])|[IVX]{2,}(?=[部型級号編次節条]))",
        _read_roman,
        ("I", "V", "X"),
    ),
    # AM9:00, 9am, but not 2PM, who sing.
    rule(
        r"(?<![A-Za-z])(?P<half>[AaPp])\.?[Mm]\.? ?(?=\d{1,2}[:時])"
        r"|(?P<hour>\d(?<![\d.,:]\d)\d?)(?: ?(?=[ap])| (?=[AP])|(?=[AP]\.))"
        r"(?P<am>[AaPp])\.?[Mm](?:\.|(?![A-Za-z]))",
        _read_half_day,
        ("M", "m"),
    ),
    # $10-20万: the sign is said once, after the last number.
    rule(
        rf"({_SIGN})({_AMOUNT}) ?[~-] ?(?:{_SIGN})?(?=\d)",
        lambda match: f"{match[2]}から{match[1]}",
        ("~", "-"),
    ),
    # The wave between two quantities, the first with its counter or unit: 10万〜20万人.
    rule(
        r"(\d[^\s\d~、。,・()「」-]{0,4}) ?~ ?(?=-?[\d午翌同約])",
        lambda match: f"{match[1]}から",
        "~",
    ),
]

LANGUAGE = Language(
    lang="ja",
    minus="マイナス",
    until="から",
    cardinals={"": "spellout-cardinal"},
    decimal_mark=".",
    decimal_word="点",
    group_marks=",",
    fractions={
        f"{upper}/{lower}": f"{lower}分の{upper}"
        for lower in range(2, 11)
        for upper in range(1, lower)
    },
    fraction_join="と",
    each="毎",
    units={
        **{name: Unit(word, word) for name, word in _UNITS.items()},
        **{sign: Unit(word, word) for sign, word in _CURRENCIES.items()},
        **dict.fromkeys(("$", "US$"), Unit("ドル", "ドル", cents=("セント", "セント"))),
    },
    currencies=tuple(_CURRENCIES),
    magnitudes=dict.fromkeys(("million", "M"), "百万"),
    telephone="電話 tel fax ファックス",
    dot="ドット",
    slash="スラッシュ",
    abbreviations={f"{title}.": said for title, said in _TITLES.items()},
    number_signs=dict.fromkeys(("No.", "no.", "NO.", "№"), "ナンバー"),
    symbols={
        "%": "パーセント",
        "°": "度",
        **{sign: f"{_DOT}{word}{_DOT}" for sign, word in _SYMBOLS.items()},
    },
    letter_rules=_LETTER_RULES,
    rules=(*powers("かける", "の{}乗"), *_RULES),
    space="",
    segment=split_words,
    wiki=Wiki(
        namespaces="ファイル|画像|カテゴリ",
        page_namespaces="ノート|トーク|(?:利用者|wikipedia|ファイル|画像|"
        "mediawiki|テンプレート|ヘルプ|カテゴリ|portal|"
        "ポータル|プロジェクト|モジュール)(?:・トーク|‐会話|-会話|"
        "‐ノート)?|特別",
        skipped_sections="(?:(?:脚注|出典|注釈?|参考文献)(?:[・と]|および|及び|\\Z))+"
        "|関連項目|外部リンク|関連文献|関連書籍|関連資料|参考資料|参照",
        months=[str(month) for month in range(1, 13)],
        date="{year}年|{month}月|{day}日",
        joins=table("to = から; and = と; or = または; by = かける; ± = ±"),
        units=table(
            "in = インチ; yd = ヤード; acre = エーカー; oz = オンス; nmi = 海里; "
            "kn = ノット; mph = マイル毎時; hp = 馬力; USgal = 米ガロン; "
            "impgal = 英ガロン; bbl = バレル; mi2 = 平方マイル; ft2 = 平方フィート; "
            "in2 = 平方インチ; ft3 = 立方フィート; in3 = 立方インチ; yd2 = 平方ヤード; "
            "st = ストーン; ST = 米トン; LT = 英トン; PS = 馬力; bhp = 馬力; "
            "psi = ポンド毎平方インチ; m3 = 立方メートル; ly = 光年; AU = 天文単位; "
            "K = ケルビン; bar = バール; cc = 立方センチメートル; kL = キロリットル; "
            "rpm = 回転毎分; Pa = パスカル; N = ニュートン; kN = キロニュートン; "
            "Nm = ニュートンメートル; kgf = 重量キログラム; A = アンペア; "
            "J = ジュール; cuft/s = 立方フィート毎秒; ft/s = フィート毎秒; "
            "m3/s = 立方メートル毎秒; s = 秒; min = 分; h = 時間; d = 日; person = 人; "
            "fathom = ファゾム; furlong = ハロン; carat = カラット"
        ),
        templates={
            "=fraction": "分数",
            "=quantity": "単位",
            "{label|1}": "仮リンク",
            "{1}": "ruby|ruby-ja|ルビ|ルビ-ja|読み仮名|"
            "読み仮名 ruby不使用|ふりがな|振り仮名|よみがな|補助漢字フォント|"
            "jis2004フォント|cp932フォント|jis90フォント|拡張漢字|"
            "外字|異体字|傍点|圏点|下線|要出典範囲|要検証範囲|誰範囲|要説明範囲|"
            "いつ範囲|どこ範囲|独自研究範囲|要ページ番号範囲|信頼性要検証範囲|"
            "font|繁体字|簡体字",
            "{2}": "文字色",
            "{label|2|1}": "日本語版にない記事リンク",
            "{1}年": "和暦|西暦|年",
            "=date": "生年月日と年齢|生年月日|没年月日|年月日|開始日|終了日|"
            "生年月日と死亡年齢",
            # its first date is the birth's, which is not shown
            "{4}年{5}月{6}日": "死亡年月日と没年齢|没年月日と没年齢",
            "=lost": "没年齢",
            "{1}円": "円|日本円",
            "{1}元": "元|人民元",
            "「{1}」": "鉤括弧|かぎ括弧|引用句",
            "――": "ダッシュ|倍角ダッシュ|―|全角ダッシュ",
            **table("日本 = jpn; アメリカ合衆国 = usa; イギリス = gbr; フランス = fra"),
            "ドイツ": "deu|ger",
            "イタリア": "ita",
            "中国": "chn",
            "韓国": "kor",
        },
        silent=r"要出典|要検証|誰|いつ|どこ|要説明|要ページ番号|信頼性要検証|"
        r"独自研究|refnest|refn|efn\d?|sfnp?|harv\w*|r|脚注.*|注釈|ref\w*|出典の明記|"
        r"リンク切れ|要更新|要追記|非自由.*|country flagcon2|flagicon|"
        r"音声.*|main|see|see also|"
        r"基礎情報.*|infobox.*|en icon|[a-z]{2} icon|ja icon|anchors?|"
        r"要高次出典|要曖昧さ回避|単一の出典|一次資料|宣伝|疑問点.*|各務|正確性|不正確",
    ),
)
